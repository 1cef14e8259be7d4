package duality.bench.recovery;

import duality.bench.recovery.BadScheduler.Fault;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.KernelThread;
import duality.kernel.Protocol;
import duality.kernel.Scheduler;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.core.Core;
import duality.kernel.processor.HartMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How long it takes until a scheduler that has gone wrong is found out, and until every thread runs
 * again: {@code [ROUNDS [BURNERS]]}, by default 20 rounds on an idle host; burners are threads that
 * use up the host's processors beside it.
 */
public final class SchedulerDetection {
  /** Owns threads. */
  @Protocol(rank = Protocol.MACHINE)
  public interface Owner extends TrapHandler {}

  private record Owning(Context context) implements Owner, Instance {
    @Override
    public int trap(int thread, int cause, long value) {
      return RESUME_BEHIND;
    }

    @Override
    public long load(int thread, long address, int width) {
      return 0;
    }

    @Override
    public void store(int thread, long address, int width, long value) {}

    @Override
    public State save() {
      return State.of("owner", 1);
    }
  }

  private static final int PROCESSORS = 2;
  private static final int THREADS = 3;
  private static final long POOL_BYTES = 1 << 20;
  private static final long LOOK_NANOS = 50_000;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

  private SchedulerDetection() {}

  /** Prints a line for each fault. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 20;
    int burners = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0;
    for (int i = 0; i < burners; i++) {
      Thread.ofPlatform().daemon().name("burner " + i).start(SchedulerDetection::burn);
    }
    System.out.printf(
        Locale.ROOT,
        "%d rounds, %d burners on %d host processors; milliseconds%n%-22s %9s %9s %9s %9s   %s%n",
        rounds,
        burners,
        Runtime.getRuntime().availableProcessors(),
        "fault",
        "min",
        "p50",
        "p99",
        "max",
        "until all run again: p50, max");
    for (Fault fault : Fault.values()) {
      if (fault == Fault.NONE) {
        continue;
      }
      double[] found = new double[rounds];
      double[] again = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        long[] measured = new SchedulerDetection().round(fault);
        found[i] = measured[0] / 1e6;
        again[i] = measured[1] / 1e6;
      }
      Arrays.sort(found);
      Arrays.sort(again);
      System.out.printf(
          Locale.ROOT,
          "%-22s %9.2f %9.2f %9.2f %9.2f   %9.2f %9.2f%n",
          fault.name().toLowerCase(Locale.ROOT).replace('_', ' '),
          found[0],
          at(found, 0.5),
          at(found, 0.99),
          found[rounds - 1],
          at(again, 0.5),
          again[rounds - 1]);
    }
  }

  private static double at(double[] sorted, double share) {
    return sorted[(int) Math.min(sorted.length - 1L, Math.round(share * (sorted.length - 1)))];
  }

  private static void burn() {
    while (!Thread.currentThread().isInterrupted()) {
      Thread.onSpinWait();
    }
  }

  /** Nanoseconds from the first pick of the bad one to its end, and to all threads running. */
  private long[] round(Fault fault) {
    try (Core core = Core.start(PROCESSORS, POOL_BYTES)) {
      core.engine("busy", new BusyEngine());
      List<Context> contexts = new ArrayList<>();
      core.register(
          "owner",
          (context, saved) -> {
            contexts.add(context);
            return new Owning(context);
          },
          Owner.class);
      core.register(
          "good", (context, saved) -> new BadScheduler(Fault.NONE, 0, 0), Scheduler.class);
      core.create("scheduler", Scheduler.class, Map.of("server", "good"), Map.of(), false);
      core.create("m", Owner.class, Map.of("server", "owner"), Map.of(), false);
      Context owner = contexts.getFirst();
      List<KernelThread> threads = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        threads.add(thread(owner, "t" + i));
      }
      KernelThread ended = thread(owner, "ended");
      int endedId = ended.id();
      owner.removeThread("ended");
      threads.forEach(KernelThread::resume);
      awaitAllRun(threads);
      int victim = threads.getLast().id();
      core.register(
          "bad", (context, saved) -> new BadScheduler(fault, endedId, victim), Scheduler.class);
      Endpoint endpoint = core.endpoint("scheduler");
      long begun;
      try (Kernel.Hold hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
        endpoint.open("bad", null).bind();
        begun = Math.max(hold.sinceNanos(), System.nanoTime());
      }
      long end = begun + PATIENCE_NANOS;
      while (core.failures(0).isEmpty()) {
        if (System.nanoTime() - end > 0) {
          throw new IllegalStateException(fault + " was not found out");
        }
        LockSupport.parkNanos(LOOK_NANOS);
      }
      FailureReport failure = core.failures(0).getFirst();
      awaitAllRun(threads);
      return new long[] {failure.atNanos() - begun, System.nanoTime() - begun};
    }
  }

  private static KernelThread thread(Context owner, String name) {
    Space space = owner.space("memory");
    return owner.thread(name, HartMode.USER, space, owner.self(Owner.class), "busy");
  }

  private static void awaitAllRun(List<KernelThread> threads) {
    long end = System.nanoTime() + PATIENCE_NANOS;
    for (KernelThread thread : threads) {
      long before = thread.instructions();
      while (thread.instructions() == before) {
        if (System.nanoTime() - end > 0) {
          throw new IllegalStateException(thread.name() + " does not run any more");
        }
        LockSupport.parkNanos(LOOK_NANOS);
      }
    }
  }
}
