package duality.pager.pinned;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Server;
import duality.kernel.State;
import duality.servers.policy.Backing;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Pinned memory: all pages of a region have their frames before {@link Pager#attach} returns, so
 * that no access ever waits for a pager. A region that the quota or the pool cannot back is
 * refused.
 *
 * <p>When it takes over from a pager that left pages missing, a worker fills them after the swap,
 * in chunks of 16 MiB, so that neither the swap nor a call is long; a page touched before its turn
 * is filled at once. A quota smaller than the regions refuses the swap.
 *
 * <p>Pages that are released are not pinned any more until they are touched, or a successor or a
 * new region has all filled: who gives memory back does not want it kept.
 */
@Component(property = {Server.NAME + "=pager.pinned", Server.PROTOCOL + "=duality.kernel.Pager"})
public final class PinnedPager implements Server {
  /** Pages that the worker fills between two chances for others. */
  private static final long CHUNK_PAGES = 256;

  @Override
  public Instance open(Context context, @Nullable State saved) {
    Backing backing = new Backing(context, saved);
    if (backing.regionPages() > backing.quotaFrames()) {
      throw new State.Refused(
          "regions of "
              + backing.regionPages()
              + " pages cannot be pinned with a quota of "
              + backing.quotaFrames());
    }
    OneSpace pager = new OneSpace(context, backing);
    if (backing.missingPages() > 0) {
      Notification more = context.notification("fill");
      context.worker("fill", more, 1, bits -> pager.fillChunk(more));
    }
    return pager;
  }

  private static final class OneSpace implements Pager, Instance {
    private final Context context;
    private final Backing backing;

    OneSpace(Context context, Backing backing) {
      this.context = context;
      this.backing = backing;
    }

    @Override
    public synchronized void attach(int space, long page, long pages, int rights) {
      if (pages > backing.quotaFrames() - backing.regionPages()) {
        throw new CallFailed.BadRequest(
            context.path()
                + ": "
                + pages
                + " more pages cannot be pinned: the quota is "
                + backing.quotaFrames()
                + " pages, of which "
                + backing.regionPages()
                + " are taken");
      }
      backing.attach(space, page, pages, rights);
      if (fillOrGiveUp(backing.missingPages()) < 0 || backing.missingPages() > 0) {
        backing.detach(space, page, pages);
        throw new CallFailed.BadRequest(
            context.path() + ": " + pages + " pages cannot be pinned: " + backing.lastRefusal());
      }
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

    /** Fills some of what a predecessor left missing, and asks to be called again for the rest. */
    synchronized void fillChunk(Notification more) {
      if (fillOrGiveUp(CHUNK_PAGES) == CHUNK_PAGES) {
        more.signal(1);
      } else if (backing.missingPages() > 0) {
        context.log(
            backing.missingPages()
                + " pages stay missing until they are touched: "
                + backing.lastRefusal());
      }
    }

    /** Pages filled, or -1 when the space refuses. */
    private long fillOrGiveUp(long most) {
      try {
        return backing.fill(most);
      } catch (CallFailed.BadRequest e) {
        context.log("pages cannot be mapped: " + e.getMessage());
        return -1;
      }
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
