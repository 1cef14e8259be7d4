package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.EndpointReport;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.State;
import duality.servers.Swapper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import jdk.jfr.Event;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** The swapper at work: one transaction at a time, done on a hand-over thread of the kernel. */
final class SwapperInstance implements Swapper, Instance {
  /**
   * How long the end of the bundle that serves nobody after an update is waited for; below the time
   * after which the swapper itself counts as stuck.
   */
  private static final long FINISH_MILLIS = 1_000;

  /** What looks twice a second did not look for so long, at so many checks in a row. */
  private static final long STILL_NANOS = TimeUnit.SECONDS.toNanos(3);

  private static final int STILL_CHECKS = 5;

  private final Context context;
  private final Kernel kernel;
  private final @Nullable BundleContext system;
  private final History history;
  private final Watch watch;
  private final Shield shield = new Shield();

  /** When the watch had looked at the last check; used by who checks. */
  private volatile long seenRoundNanos;

  private volatile int checks;

  /** Guards the two below; not held by who saves the state, see {@link History}. */
  private final Object turn = new Object();

  /** One transaction at a time. */
  private boolean busy;

  /** Whether the transaction under way is about this swapper. */
  private boolean replacing;

  SwapperInstance(Context context, @Nullable BundleContext system, @Nullable State saved) {
    this.context = context;
    this.kernel = context.kernel();
    this.system = system;
    this.history = new History(saved);
    this.watch = new Watch(context, shield);
  }

  @Override
  public Swap swap(String endpoint, String server) {
    return swapAll(List.of(new Move(endpoint, server)));
  }

  @Override
  public Swap swapAll(List<Move> moves) {
    String what = moves.stream().map(Move::endpoint).collect(Collectors.joining(", "));
    String to = moves.stream().map(Move::server).distinct().collect(Collectors.joining(", "));
    begin();
    try {
      if (isEngine(moves)) {
        String from = engines();
        return record(what, from, to, 0, () -> moved(moves), false);
      }
      List<Transaction.Target> targets = Targets.of(kernel, moves);
      return record(
          what,
          servers(targets),
          to,
          targets.size(),
          () -> new Transaction(kernel, shield, targets).run(),
          targets.stream().anyMatch(each -> each.endpoint().path().equals(context.path())));
    } finally {
      end();
    }
  }

  @Override
  public Swap update(String bundle, String file) {
    begin();
    try {
      BundleUpdate update = BundleUpdate.of(kernel, system(), bundle, file);
      String refusal = update.refusal();
      if (!refusal.isEmpty()) {
        throw new CallFailed.BadRequest(refusal);
      }
      List<Step> moves =
          update.plan().stream().filter(each -> each.step().equals("moves")).toList();
      Swap swap =
          record(
              moves.stream().map(Step::what).collect(Collectors.joining(", ")),
              update.from(),
              update.to(),
              moves.size(),
              () -> update.run(this::moved),
              moves.stream().anyMatch(each -> each.what().equals(context.path())));
      finish(update);
      return swap;
    } finally {
      end();
    }
  }

  /**
   * On a thread apart, because a bundle may hang in its stop. Whether the update is done does not
   * depend on that: the endpoints are where they are.
   */
  private void finish(BundleUpdate update) {
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("duality swapper finishes " + update.to())
            .start(
                () -> {
                  try {
                    update.finish();
                  } catch (CallFailed | IllegalStateException e) {
                    context.log(String.valueOf(e.getMessage()));
                  }
                });
    try {
      if (!thread.join(Duration.ofMillis(FINISH_MILLIS))) {
        context.log(update.from() + " to " + update.to() + ": the one that goes hangs in its stop");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public Swap putBack(String bundle, long withinMillis) {
    Path previous = PreviousVersions.find(system(), bundle, withinMillis);
    Swap swap = update(bundle, previous.toString());
    if (swap.done()) {
      PreviousVersions.forget(system(), bundle); // the bad one is not to come back either
    }
    return swap;
  }

  @Override
  public Swap rehearse(String endpoint) {
    List<Transaction.Target> targets = Targets.of(kernel, List.of(new Move(endpoint, "")));
    String servers = servers(targets);
    begin();
    Transaction.Result held;
    try {
      held =
          kernel.handOver(
              "rehearsal of " + endpoint,
              false,
              () -> new Transaction(kernel, shield, targets).rehearse());
    } finally {
      end();
    }
    return new Swap(
        0,
        endpoint,
        servers,
        servers,
        targets.size(),
        held.drained(),
        TimeUnit.NANOSECONDS.toMicros(held.pauseNanos()),
        TimeUnit.NANOSECONDS.toMicros(held.drainNanos()),
        TimeUnit.NANOSECONDS.toMicros(held.waitedNanos()),
        held.outcome());
  }

  /**
   * Waits for its turn. A swap of this very swapper, which would wait for those who wait here,
   * sends them away.
   */
  private void begin() {
    synchronized (turn) {
      while (busy) {
        if (replacing) {
          throw new CallFailed.NoServer("the swapper itself is being replaced; try again");
        }
        try {
          turn.wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new CallFailed.TimedOut("interrupted while another swap was under way");
        }
      }
      busy = true;
    }
  }

  private void end() {
    shield.lower(); // also of a thread that was cut off
    synchronized (turn) {
      busy = false;
      turn.notifyAll();
    }
  }

  private void replacing(boolean itself) {
    synchronized (turn) {
      replacing = itself;
      turn.notifyAll();
    }
  }

  /** Does it on a hand-over thread, and notes what became of it. */
  private Swap record(
      String what,
      String from,
      String to,
      int endpoints,
      Supplier<Transaction.Result> work,
      boolean itself) {
    @Nullable Event event = SwapEvent.begun();
    long number = history.next();
    Swap begun = new Swap(number, what, from, to, endpoints, 0, 0, 0, 0, "done");
    replacing(itself);
    if (itself) {
      // Who goes on from this state was bound, so this swap is done then.
      history.add(begun);
    }
    Transaction.Result result;
    try {
      result = kernel.handOver("swap of " + what, itself, work);
    } catch (CallFailed.ServerFailed | CallFailed.TimedOut e) {
      result = Transaction.Result.kept(String.valueOf(e.getMessage()));
    } catch (CallFailed e) {
      if (itself) {
        history.remove(begun);
      }
      throw e;
    } finally {
      replacing(false);
    }
    Swap ended =
        new Swap(
            number,
            what,
            from,
            to,
            endpoints,
            result.drained(),
            TimeUnit.NANOSECONDS.toMicros(result.pauseNanos()),
            TimeUnit.NANOSECONDS.toMicros(result.drainNanos()),
            TimeUnit.NANOSECONDS.toMicros(result.waitedNanos()),
            result.outcome());
    if (itself) {
      history.remove(begun);
    }
    history.add(ended);
    SwapEvent.ended(event, ended);
    return ended;
  }

  private Transaction.Result moved(List<Move> moves) {
    if (!isEngine(moves)) {
      return new Transaction(kernel, shield, Targets.of(kernel, moves)).run();
    }
    long since = System.nanoTime();
    int threads = kernel.moveThreads(moves.getFirst().server());
    return new Transaction.Result(true, threads, System.nanoTime() - since, 0, 0, "done");
  }

  private static boolean isEngine(List<Move> moves) {
    return moves.size() == 1 && moves.getFirst().endpoint().equals(Targets.ENGINE);
  }

  private String engines() {
    return kernel.servers().stream()
        .filter(each -> each.protocols().equals(List.of("Engine")) && !each.endpoints().isEmpty())
        .map(each -> each.name())
        .collect(Collectors.joining(", "));
  }

  private static String servers(List<Transaction.Target> targets) {
    return targets.stream()
        .map(each -> each.endpoint().server())
        .distinct()
        .collect(Collectors.joining(", "));
  }

  private BundleContext system() {
    if (system == null) {
      throw new CallFailed.BadRequest("there are no bundles: this kernel runs without a framework");
    }
    return system;
  }

  @Override
  public List<Step> plan(List<Move> moves) {
    List<Step> steps = new ArrayList<>();
    if (isEngine(moves)) {
      String to = moves.getFirst().server();
      kernel.servers().stream()
          .filter(each -> each.protocols().equals(List.of("Engine")))
          .forEach(
              each ->
                  each.endpoints()
                      .forEach(
                          thread -> steps.add(new Step("moves", thread, each.name(), to, "hart"))));
      return steps;
    }
    for (Transaction.Target each : Targets.of(kernel, moves)) {
      String path = each.endpoint().path();
      String refusal = Targets.refusal(kernel, each);
      EndpointReport now = each.endpoint().report();
      if (!refusal.isEmpty()) {
        steps.add(new Step("refused", path, now.server(), each.server(), refusal));
        continue;
      }
      steps.add(
          new Step(
              "moves",
              path,
              now.server(),
              each.server(),
              now.inside() + " inside now, " + now.condition()));
      for (String client : kernel.clients(path)) {
        steps.add(new Step("waits", client, "", "", "when it calls " + path));
      }
    }
    return steps;
  }

  @Override
  public List<Step> planUpdate(String bundle, String file) {
    return BundleUpdate.of(kernel, system(), bundle, file).plan();
  }

  @Override
  public List<Swap> history() {
    return history.all();
  }

  /** Whether it still watches the supervisor. */
  @Override
  public void check() {
    long round = watch.roundNanos();
    int before = round == seenRoundNanos ? checks : 0;
    seenRoundNanos = round;
    checks = before + 1;
    boolean still = before >= STILL_CHECKS && System.nanoTime() - round > STILL_NANOS;
    if (still || watch.hasEnded()) {
      throw new IllegalStateException("it does not watch the supervisor any more");
    }
  }

  @Override
  public State save() {
    return history.save();
  }

  @Override
  public void close() {
    watch.stop();
    shield.lower();
  }
}
