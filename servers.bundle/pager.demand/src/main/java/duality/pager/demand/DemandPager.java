package duality.pager.demand;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Pager;
import duality.kernel.Server;
import duality.kernel.State;
import duality.servers.policy.Backing;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Demand paging with zero fill: a page gets its frame, all zero, when it is touched first. A region
 * may be larger than the quota; only what is touched counts. A touch beyond the quota is refused.
 *
 * <p>Frames are never taken away again while the region lives, unless somebody says that they are
 * not needed: the working set is what was ever touched.
 */
@Component(property = {Server.NAME + "=pager.demand", Server.PROTOCOL + "=duality.kernel.Pager"})
public final class DemandPager implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new OneSpace(new Backing(context, saved));
  }

  /** All methods lock: two harts may touch the same page at once, and it must get one frame. */
  private static final class OneSpace implements Pager, Instance {
    private final Backing backing;

    OneSpace(Backing backing) {
      this.backing = backing;
    }

    @Override
    public synchronized void attach(int space, long page, long pages, int rights) {
      backing.attach(space, page, pages, rights);
    }

    @Override
    public synchronized void detach(int space, long page, long pages) {
      backing.detach(space, page, pages);
    }

    @Override
    public synchronized void release(int space, long page, long pages) {
      backing.release(space, page, pages);
    }

    @Override
    public synchronized boolean fault(int space, long page, int access) {
      return backing.fault(space, page, access);
    }

    @Override
    public synchronized void check() {
      backing.check();
    }

    @Override
    public synchronized State save() {
      return backing.save();
    }

    @Override
    public synchronized void ended() {
      backing.giveBackAll();
    }
  }
}
