package duality.servers.contract;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Kernel;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.Work;
import duality.kernel.processor.HartMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A context without a kernel, for tests of one server: configuration, slots and a log. Workers are
 * kept and run by hand.
 */
public final class FakeContext implements Context {
  private final String path;
  private final Map<String, String> config;
  private final Map<String, Object> slots;

  /** What the server logged. */
  public final List<String> log = new ArrayList<>();

  /** Workers that were started, by name. */
  public final Map<String, Work> workers = new HashMap<>();

  /** The last checkpoint that it left. */
  public @Nullable State checkpoint;

  private final Map<String, FakeNotification> notifications;

  /** A context of the endpoint {@code path}. */
  public FakeContext(String path, Map<String, String> config) {
    this(path, config, new HashMap<>(), new HashMap<>());
  }

  private FakeContext(
      String path,
      Map<String, String> config,
      Map<String, Object> slots,
      Map<String, FakeNotification> notifications) {
    this.path = path;
    this.config = config;
    this.slots = slots;
    this.notifications = notifications;
  }

  /** The context of a successor: the same slots and notifications, a log and workers of its own. */
  public FakeContext successor(Map<String, String> newConfig) {
    return new FakeContext(path, newConfig, slots, notifications);
  }

  @Override
  public void host(String name, Runnable work) {
    Thread.ofPlatform().daemon().name("worker " + path + ":" + name).start(work);
  }

  /** Runs a worker until its notification has no more bits; answers how often it ran. */
  public int runWorker(String name) {
    int rounds = 0;
    long bits = -1;
    while (bits != 0) {
      Work work = workers.get(name);
      if (work == null) {
        throw new AssertionError("no worker '" + name + "'; there are " + workers.keySet());
      }
      work.run(bits);
      rounds++;
      bits = notifications.get(name).take(-1, 0);
    }
    return rounds;
  }

  /** Names of the slots that hold something. */
  public java.util.Set<String> slots() {
    return slots.keySet();
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public String server() {
    return "test";
  }

  @Override
  public Map<String, String> config() {
    return config;
  }

  @Override
  public <T> T slot(String slot, Class<T> type) {
    if (!type.isInstance(slots.get(slot))) {
      throw new CallFailed.BadRequest("slot '" + slot + "' holds no " + type.getSimpleName());
    }
    return type.cast(slots.get(slot));
  }

  @Override
  public boolean has(String slot) {
    return slots.containsKey(slot);
  }

  @Override
  public void keep(String slot, Object capability) {
    slots.put(slot, capability);
  }

  @Override
  public void drop(String slot) {
    slots.remove(slot);
  }

  @Override
  public Notification notification(String name) {
    return notifications.computeIfAbsent(name, n -> new FakeNotification());
  }

  @Override
  public void worker(String name, Notification notification, long mask, Work work) {
    if (notifications.get(name) != notification) {
      throw new AssertionError("runWorker expects worker and notification of one name: " + name);
    }
    workers.put(name, work);
  }

  @Override
  public void checkpoint(State state) {
    checkpoint = state;
  }

  @Override
  public void log(String message) {
    log.add(message);
  }

  @Override
  public long badge() {
    return 0;
  }

  @Override
  public <P> P child(
      String name, Class<P> protocol, Map<String, String> config, Map<String, Object> endowment) {
    throw new UnsupportedOperationException("child " + name);
  }

  @Override
  public void removeChild(String name) {
    throw new UnsupportedOperationException("removeChild " + name);
  }

  @Override
  public Space space(String name) {
    throw new UnsupportedOperationException("space " + name);
  }

  @Override
  public KernelThread thread(
      String name, HartMode mode, Space space, TrapHandler handler, String engine) {
    throw new UnsupportedOperationException("thread " + name);
  }

  @Override
  public void removeThread(String name) {
    throw new UnsupportedOperationException("removeThread " + name);
  }

  @Override
  public void removeSpace(String name) {
    throw new UnsupportedOperationException("removeSpace " + name);
  }

  @Override
  public <P> P self(Class<P> protocol) {
    throw new UnsupportedOperationException("self");
  }

  @Override
  public <T> T derive(T capability, Class<T> type, int rights, long badge) {
    return capability;
  }

  @Override
  public void revoke(Object capability) {
    throw new UnsupportedOperationException("revoke");
  }

  @Override
  public Kernel kernel() {
    throw new UnsupportedOperationException("kernel");
  }

  private static final class FakeNotification implements Notification {
    private long word;

    @Override
    public synchronized void signal(long bits) {
      word |= bits;
    }

    @Override
    public synchronized void clear(long bits) {
      word &= ~bits;
    }

    @Override
    public synchronized long word() {
      return word;
    }

    @Override
    public synchronized long take(long mask, long timeoutNanos) {
      long taken = word & mask;
      word &= ~taken;
      return taken;
    }
  }
}
