package duality.bench.call;

import duality.kernel.Endpoint;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.core.Core;
import java.util.List;
import java.util.Map;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A capability call against a plain interface call and what else guards a service that may be
 * replaced: a tracker's look-up (which guards nothing), two locks, a hand-off to another thread.
 *
 * <p>Four endpoints are called in turn, with servers of one class or of three. {@code swaps} are
 * done before the measurement; what the compiler knew of the call then must not be worth less
 * afterwards.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--sun-misc-unsafe-memory-access=allow",
      "-XX:+UseSerialGC"
    })
public class CallBenchmark {
  /** Endpoints, called in turn. */
  static final int CALLS = 4;

  /** Classes of servers behind the one call site. */
  @Param({"1", "3"})
  public int receivers;

  /** Swaps of each endpoint before the measurement. */
  @Param({"0", "400"})
  public int swaps;

  private Adder[] plain = {};
  private Adder[] capabilities = {};
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final StampedLock stamped = new StampedLock();

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final ServiceTracker<Adder, Adder>[] trackers = new ServiceTracker[CALLS];

  private int next;
  private final SynchronousQueue<Long> there = new SynchronousQueue<>();
  private final SynchronousQueue<Long> back = new SynchronousQueue<>();
  private @Nullable Core core;
  private @Nullable Framework framework;
  private @Nullable Thread other;

  /** Makes the endpoints and swaps them. */
  @Setup
  public void start() throws Exception {
    Core made = Core.start(1, 1 << 20);
    core = made;
    register(made, "first", Adder.First::new);
    register(made, "second", Adder.Second::new);
    register(made, "third", Adder.Third::new);
    String[] servers = receivers == 1 ? new String[] {"first"} : names();
    Kernel kernel = made.kernel();
    plain = new Adder[CALLS];
    capabilities = new Adder[CALLS];
    for (int i = 0; i < CALLS; i++) {
      String server = servers[i % servers.length];
      plain[i] = (Adder) made(server);
      capabilities[i] =
          kernel.create("adder" + i, Adder.class, Map.of("server", server), Map.of(), false);
    }
    for (int n = 0; n < swaps; n++) {
      for (int i = 0; i < CALLS; i++) {
        capability();
        Endpoint endpoint = kernel.endpoint("adder" + i);
        try (Kernel.Hold hold = kernel.hold(List.of(endpoint), 1_000_000_000L)) {
          endpoint.open(endpoint.server(), endpoint.save()).bind();
        }
      }
    }
    track();
    other = Thread.ofPlatform().daemon().start(this::answer);
  }

  private static String[] names() {
    return new String[] {"first", "second", "third"};
  }

  private static Instance made(String server) {
    return switch (server) {
      case "first" -> new Adder.First();
      case "second" -> new Adder.Second();
      default -> new Adder.Third();
    };
  }

  private static void register(Core core, String name, Supplier<Instance> made) {
    core.register(name, (context, saved) -> made.get(), Adder.class);
  }

  private void track() throws Exception {
    FrameworkFactory factory =
        java.util.ServiceLoader.load(FrameworkFactory.class).findFirst().orElseThrow();
    String storage = java.nio.file.Files.createTempDirectory("duality-bench").toString();
    Framework started =
        factory.newFramework(
            Map.of(
                Constants.FRAMEWORK_STORAGE,
                storage,
                Constants.FRAMEWORK_STORAGE_CLEAN,
                Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT));
    started.start();
    framework = started;
    for (int i = 0; i < CALLS; i++) {
      started
          .getBundleContext()
          .registerService(
              Adder.class,
              plain[i],
              new java.util.Hashtable<>(Map.of("number", Integer.toString(i))));
      ServiceTracker<Adder, Adder> tracker =
          new ServiceTracker<>(
              started.getBundleContext(),
              started.getBundleContext().createFilter("(&(objectClass=*)(number=" + i + "))"),
              null);
      tracker.open();
      trackers[i] = tracker;
    }
  }

  private void answer() {
    try {
      while (true) {
        back.put(plain[0].add(there.take()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends what was started. */
  @TearDown
  public void stop() throws Exception {
    if (other != null) {
      other.interrupt();
    }
    if (framework != null) {
      framework.stop();
      framework.waitForStop(5_000);
    }
    if (core != null) {
      core.close();
    }
  }

  /** The baseline: an interface call, guarded by nothing. */
  @Benchmark
  public long plain() {
    return plain[next++ & CALLS - 1].add(1);
  }

  /** Through the kernel. */
  @Benchmark
  public long capability() {
    return capabilities[next++ & CALLS - 1].add(1);
  }

  /** A look-up before each call: sees replacements, but nobody waits for calls inside. */
  @Benchmark
  public long tracker() {
    Adder service = trackers[next++ & CALLS - 1].getService();
    return service == null ? 0 : service.add(1);
  }

  /** The usual read lock. */
  @Benchmark
  public long readLock() {
    lock.readLock().lock();
    try {
      return plain[next++ & CALLS - 1].add(1);
    } finally {
      lock.readLock().unlock();
    }
  }

  /** The cheaper read lock. */
  @Benchmark
  public long stampedLock() {
    long stamp = stamped.readLock();
    try {
      return plain[next++ & CALLS - 1].add(1);
    } finally {
      stamped.unlockRead(stamp);
    }
  }

  /** What a server with a thread of its own costs. */
  @Benchmark
  public long handOff() throws InterruptedException {
    there.put(1L);
    return back.take();
  }
}
