package duality.root;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.Frame;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.servers.Root;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Root at work.
 *
 * <p>One lock guards the frames; it is not held across calls to the kernel or to servers, but for
 * taking parts of the pool, which waits for nobody.
 */
final class RootInstance implements Root, Instance {
  private static final long START = 1;

  /** What a path made for others looks like. */
  private static final String PATH = "[a-z]+/[A-Za-z0-9][A-Za-z0-9._-]{0,62}";

  /** Who is charged for frames that a driver does not give back. */
  private static final String STUCK = "(held by a driver)";

  /** A run that is charged to an owner. */
  private record Charge(long first, long count) {}

  private final Context context;
  private final Kernel kernel;
  private final Routing routing;
  private final Asking asking;
  private final Frame pool;
  private final long total;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by lock:
  private FreeFrames free;
  private final Map<String, TreeMap<Long, Charge>> charges = new HashMap<>();

  RootInstance(Context context, Routing routing, Asking asking, @Nullable State saved) {
    this.context = context;
    this.routing = routing;
    this.asking = asking;
    kernel = context.kernel();
    pool = kernel.allFrames();
    total = pool.count();
    free = new FreeFrames(total);
    if (saved != null) {
      restore(saved);
    }
    // Servers that root starts may call root: so it starts them when it is bound itself.
    Notification start = context.notification("start");
    context.worker("start", start, START, bits -> startServers());
    // A worker of its own: the other one may wait for a server that comes late.
    Notification asked = context.notification("asked");
    context.worker("asked", asked, START, bits -> startAsked());
    asking.tell(() -> asked.signal(START));
  }

  /** Makes the endpoints that servers ask for, as far as the routing file lets them. */
  private void startAsked() {
    for (Asking.Request request : asking.all()) {
      if (there(request.path())) {
        continue;
      }
      try {
        if (!request.path().matches(PATH) || !routing.mayAsk(request.path())) {
          throw new CallFailed.BadRequest(
              "root's routing file lets servers ask for "
                  + String.join(", ", routing.asked())
                  + " only");
        }
        create(request.path(), request.classes().load(request.protocol()), Map.of());
      } catch (ClassNotFoundException e) {
        context.log(
            request.path()
                + " is not made for "
                + request.server()
                + ": its bundle has no "
                + request.protocol());
      } catch (CallFailed | LinkageError | IllegalStateException e) {
        context.log(
            request.path() + " is not made for " + request.server() + ": " + e.getMessage());
      }
    }
  }

  private void startServers() {
    for (Routing.Route route : routing.routes) {
      if (route.start().isEmpty() || there(route.pattern())) {
        continue;
      }
      try {
        kernel.create(
            route.pattern(),
            Class.forName(route.start(), true, RootInstance.class.getClassLoader()),
            route.control() ? Map.of("control", "true") : Map.of(),
            Map.of("root", context.self(Root.class)),
            route.shared());
      } catch (ClassNotFoundException | CallFailed e) {
        context.log(route.pattern() + " did not start: " + e.getMessage());
      }
    }
  }

  private boolean there(String path) {
    return kernel.endpointsByPath().stream().anyMatch(each -> each.path().equals(path));
  }

  @Override
  public List<String> route(String path, String protocol) {
    List<String> servers = new ArrayList<>(routing.route(path).servers());
    if (servers.remove(Routing.WHO_ASKS)) {
      servers.addAll(asking.servers(path));
      if (servers.isEmpty()) {
        throw new CallFailed.BadRequest(
            "no server asks for " + path + "; one does by its property duality.endpoint");
      }
    }
    return servers;
  }

  @Override
  public <P> P create(String path, Class<P> protocol, Map<String, String> config) {
    if (!path.matches(PATH)) {
      throw new CallFailed.BadRequest(
          "'"
              + path
              + "' is no path for it: KIND/NAME, the name of letters, digits, '.', '_', '-'");
    }
    if (config.containsKey("control")) {
      throw new CallFailed.BadRequest(
          "control over the kernel is given by the routing file, not by a configuration");
    }
    Routing.Route route = routing.route(path);
    return kernel.create(
        path, protocol, config, Map.of("root", context.self(Root.class)), route.shared());
  }

  @Override
  public <P> P connect(String path, Class<P> protocol) {
    return kernel.connect(path, protocol);
  }

  @Override
  public void remove(String path) {
    if (path.indexOf('/') < 0) {
      throw new CallFailed.BadRequest(path + " is a part of the system and stays");
    }
    kernel.remove(path);
    reclaimStuck();
    List<Charge> left = new ArrayList<>();
    lock.lock();
    try {
      charges
          .entrySet()
          .removeIf(
              each -> {
                boolean below = isBelow(each.getKey(), path);
                if (below) {
                  left.addAll(each.getValue().values());
                }
                return below;
              });
    } finally {
      lock.unlock();
    }
    left.forEach(this::reclaim);
  }

  private static boolean isBelow(String owner, String path) {
    return owner.equals(path) || owner.startsWith(path + "/");
  }

  @Override
  public List<String> paths(Class<?> protocol) {
    return kernel.endpointsByPath().stream()
        .filter(each -> each.protocol().equals(protocol.getName()))
        .map(Endpoint::path)
        .toList();
  }

  @Override
  public Frame allocate(String owner, long count) {
    lock.lock();
    try {
      if (count < 1) {
        throw new CallFailed.BadRequest("allocate " + count + " frames: at least 1");
      }
      checkQuota(owner, count);
      long first = free.take(count);
      if (first < 0) {
        throw new CallFailed.BadRequest(
            "no "
                + count
                + " frames for "
                + owner
                + " in one run: "
                + free.free()
                + " of "
                + total
                + " are free, the longest run has "
                + free.longest()
                + "; end something or start with more --memory");
      }
      charges.computeIfAbsent(owner, o -> new TreeMap<>()).put(first, new Charge(first, count));
      return pool.part(first, count);
    } finally {
      lock.unlock();
    }
  }

  private void checkQuota(String owner, long count) {
    for (Routing.Quota quota : routing.quotas) {
      String charged = owner;
      while (!Routing.matches(quota.pattern(), charged) && charged.indexOf('/') > 0) {
        charged = charged.substring(0, charged.lastIndexOf('/'));
      }
      if (Routing.matches(quota.pattern(), charged)) {
        String path = charged;
        long used =
            charges.entrySet().stream()
                .filter(each -> isBelow(each.getKey(), path))
                .flatMap(each -> each.getValue().values().stream())
                .mapToLong(Charge::count)
                .sum();
        if ((used + count) * 4096 > quota.bytes()) {
          throw new CallFailed.BadRequest(
              charged
                  + " has "
                  + (used >> 8)
                  + " MiB of its quota of "
                  + (quota.bytes() >> 20)
                  + " MiB; "
                  + count
                  + " frames more are too many");
        }
      }
    }
  }

  @Override
  public void free(String owner, Frame frames) {
    long first = frames.first();
    long count = frames.count();
    lock.lock();
    try {
      TreeMap<Long, Charge> own = charges.get(owner);
      Map.Entry<Long, Charge> entry = own == null ? null : own.floorEntry(first);
      Charge charge = entry == null ? null : entry.getValue();
      if (own == null || charge == null || first + count > charge.first + charge.count) {
        throw new CallFailed.BadRequest(
            "frames " + first + " to " + (first + count - 1) + " are not " + owner + "'s");
      }
      own.remove(charge.first);
      if (charge.first < first) {
        own.put(charge.first, new Charge(charge.first, first - charge.first));
      }
      long behind = charge.first + charge.count - first - count;
      if (behind > 0) {
        own.put(first + count, new Charge(first + count, behind));
      }
      if (own.isEmpty()) {
        charges.remove(owner);
      }
    } finally {
      lock.unlock();
    }
    reclaim(new Charge(first, count));
  }

  /** Nobody is charged for the run any more; it is given out again only when nobody maps it. */
  private void reclaim(Charge run) {
    try {
      pool.reclaim(run.first, run.count);
    } catch (CallFailed e) {
      // A driver holds a page of it for too long: nobody gets these frames before it gave that
      // back.
      context.log(
          "frames " + run.first + " + " + run.count + " are not free yet: " + e.getMessage());
      lock.lock();
      try {
        charges.computeIfAbsent(STUCK, o -> new TreeMap<>()).put(run.first, run);
      } finally {
        lock.unlock();
      }
      return;
    }
    lock.lock();
    try {
      free.give(run.first, run.count);
    } finally {
      lock.unlock();
    }
  }

  /** Tries again what could not be taken back. */
  private void reclaimStuck() {
    TreeMap<Long, Charge> stuck;
    lock.lock();
    try {
      stuck = charges.remove(STUCK);
    } finally {
      lock.unlock();
    }
    if (stuck != null) {
      stuck.values().forEach(this::reclaim);
    }
  }

  @Override
  public FrameBalance balance() {
    lock.lock();
    try {
      Map<String, Long> owners = new TreeMap<>();
      charges.forEach(
          (owner, runs) ->
              owners.put(owner, runs.values().stream().mapToLong(Charge::count).sum()));
      return new FrameBalance(total, free.free(), owners);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public State save() {
    lock.lock();
    try {
      List<State> owners = new ArrayList<>();
      charges.forEach(
          (owner, runs) -> {
            long[] flat =
                runs.values().stream()
                    .flatMapToLong(run -> java.util.stream.LongStream.of(run.first, run.count))
                    .toArray();
            owners.add(State.of("owner", 1).with("path", owner).with("runs", flat));
          });
      return State.of("root", 2)
          .with("frames", total)
          .with("free", free.flat())
          .with("owners", owners);
    } finally {
      lock.unlock();
    }
  }

  private void restore(State saved) {
    int version = saved.expect("root", 2);
    saved.number("frames", total, total);
    for (State owner : saved.states("owners")) {
      TreeMap<Long, Charge> runs = new TreeMap<>();
      long[] flat = owner.numbers("runs");
      for (int i = 0; i + 1 < flat.length; i += 2) {
        if (!free.takes(flat[i], flat[i + 1])) {
          throw new State.Refused(
              "frames " + flat[i] + " + " + flat[i + 1] + " have two owners or are none");
        }
        runs.put(flat[i], new Charge(flat[i], flat[i + 1]));
      }
      charges.put(owner.text("path"), runs);
    }
    if (version >= 2) {
      keep(saved.numbers("free"));
    }
  }

  /**
   * Only what was free is given out again. Frames that are neither free nor anybody's are lost: a
   * call broke off with them, or an owner is missing, who still uses them.
   */
  private void keep(long[] runs) {
    FreeFrames unowned = free;
    FreeFrames kept = new FreeFrames(0);
    for (int i = 0; i + 1 < runs.length; i += 2) {
      if (!unowned.takes(runs[i], runs[i + 1])) {
        throw new State.Refused(
            "frames " + runs[i] + " + " + runs[i + 1] + " are free, and are somebody's or none");
      }
      kept.give(runs[i], runs[i + 1]);
    }
    if (unowned.free() > 0) {
      context.log(unowned.free() + " frames are nobody's and are not given out again");
    }
    free = kept;
  }
}
