package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Pager;
import duality.kernel.Protocol;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.core.ScriptedEngine.ScriptedHart;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads on processors, with harts that leave the engine when the test says so. */
@Timeout(300)
class ThreadsTest {
  /** A machine of one page. */
  @Protocol(rank = Protocol.MACHINE, deadlineMillis = 200)
  public interface OnePage extends TrapHandler {
    KernelThread thread();

    Space space();
  }

  private final Core core = Core.start(2, 1 << 20, 20);
  private final AtomicInteger traps = new AtomicInteger();
  private final AtomicReference<ToIntFunction<OnePageServing>> onTrap =
      new AtomicReference<>(serving -> TrapHandler.RESUME_BEHIND);

  /** The server of the machine, its pager a server of its own. */
  final class OnePageServer implements Server {
    @Override
    public Instance open(Context context, @Nullable State saved) {
      return new OnePageServing(context);
    }
  }

  final class OnePageServing implements OnePage, Instance {
    final KernelThread thread;
    private final Space space;

    OnePageServing(Context context) {
      space = context.space("memory");
      Pager pager =
          context.child("pager", Pager.class, Map.of("server", "pager"), Map.of("space", space));
      if (!context.has("ready")) {
        space.region(16, 4, Memory.READ | Memory.WRITE, pager);
        context.keep("ready", space);
      }
      thread = context.thread("t", HartMode.USER, space, context.self(OnePage.class), "");
    }

    @Override
    public KernelThread thread() {
      return thread;
    }

    @Override
    public Space space() {
      return space;
    }

    @Override
    public int trap(int id, int cause, long value) {
      traps.incrementAndGet();
      return onTrap.get().applyAsInt(this);
    }

    @Override
    public long load(int id, long address, int width) {
      if (address == 0xbad) {
        throw new CallFailed.BadRequest("nothing there");
      }
      return 42;
    }

    @Override
    public void store(int id, long address, int width, long value) {}

    @Override
    public State save() {
      return State.of("onepage", 1);
    }
  }

  /** Maps frame 3 to every page asked for; refuses page 19. */
  static final class FixedPager implements Pager, Instance {
    private final Context context;
    private final Frame frames;

    FixedPager(Context context, Frame frames) {
      this.context = context;
      this.frames = frames;
    }

    @Override
    public void attach(int space, long page, long pages, int rights) {}

    @Override
    public void detach(int space, long page, long pages) {}

    @Override
    public boolean fault(int space, long page, int access) {
      if (page == 19) {
        return false;
      }
      context
          .slot("space", Space.class)
          .map(page, frames, page - 16, 1, Memory.READ | Memory.WRITE);
      return true;
    }

    @Override
    public State save() {
      return State.of("pager", 1);
    }
  }

  private OnePage machine(ToIntFunction<ScriptedHart> script) {
    core.engine("scripted", new ScriptedEngine(script));
    core.register("machine", new OnePageServer(), OnePage.class);
    core.register(
        "pager", (context, saved) -> new FixedPager(context, core.allFrames()), Pager.class);
    return core.create("m", OnePage.class, Map.of("server", "machine"), Map.of(), false);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  @Test
  void faultsGoToThePagerAndTheAccessIsRepeated() {
    OnePage machine =
        machine(
            hart ->
                hart.memory.translate(17, Memory.WRITE) == Memory.MISSING
                    ? hart.fault(17 << 12, Memory.WRITE)
                    : Exit.WAIT);
    machine.thread().resume();
    until("the thread to wait", () -> machine.thread().state().equals("WAITING"));
    assertEquals(1, machine.space().frameAt(17));
    assertEquals(1, core.threads().getFirst().faults());
    assertEquals(0, traps.get());
  }

  @Test
  void aRefusedFaultOfANativeProgramReachesItsHandler() {
    OnePage machine =
        machine(hart -> traps.get() == 0 ? hart.fault(19 << 12, Memory.READ) : Exit.WAIT);
    machine.thread().resume();
    until("the trap", () -> traps.get() == 1);
  }

  @Test
  void loadsAreCompletedAndWhereNothingIsRefused() {
    AtomicReference<ScriptedHart> seen = new AtomicReference<>();
    OnePage machine =
        machine(
            hart -> {
              seen.set(hart);
              hart.address = hart.runs == 1 ? 0x100 : 0xbad;
              return hart.runs <= 2 ? Exit.MMIO_LOAD : Exit.WAIT;
            });
    machine.thread().resume();
    until("the wait", () -> machine.thread().state().equals("WAITING"));
    assertEquals(42, seen.get().loaded);
    assertEquals(1, seen.get().completed);
    assertEquals(1, seen.get().refused);
  }

  @Test
  void aRaisedLineWakesAWaitingThread() {
    OnePage machine =
        machine(
            hart -> {
              if ((hart.lines.word() & Lines.SEIP) == 0) {
                return Exit.WAIT;
              }
              hart.lines.lower(Lines.SEIP);
              return Exit.CALL;
            });
    KernelThread thread = machine.thread();
    thread.resume();
    for (int i = 1; i <= 2000; i++) {
      thread.lines().signal(Lines.SEIP);
      int all = i;
      until("interrupt " + i, () -> traps.get() == all);
    }
  }

  @Test
  void aThreadWakesAtItsOwnTime() {
    OnePage machine =
        machine(
            hart -> {
              if (hart.runs == 1) {
                hart.wake = hart.clock.getAsLong() + 3_000_000;
                return Exit.WAIT;
              }
              hart.wake = Long.MAX_VALUE;
              return hart.runs == 2 ? Exit.CALL : Exit.WAIT;
            });
    machine.thread().resume();
    until("the timer", () -> traps.get() == 1);
  }

  @Test
  void suspendReturnsWhenTheHartIsAtRest() {
    AtomicReference<ScriptedHart> seen = new AtomicReference<>();
    OnePage machine =
        machine(
            hart -> {
              seen.set(hart);
              while ((hart.lines.word() & Lines.ATTENTION) == 0) {
                Thread.onSpinWait();
              }
              return Exit.ATTENTION;
            });
    KernelThread thread = machine.thread();
    for (int i = 0; i < 500; i++) {
      thread.resume();
      thread.suspend();
      assertEquals("SUSPENDED", thread.state());
      thread.x(5, i); // allowed at rest only
    }
    thread.resume();
    assertThrows(CallFailed.BadRequest.class, () -> thread.x(5, 1));
  }

  @Test
  void unmapWaitsUntilTheHartIsOutOfTheEngine() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    AtomicInteger outside = new AtomicInteger();
    OnePage machine =
        machine(
            hart -> {
              if (hart.memory.translate(16, Memory.READ) == Memory.MISSING) {
                return hart.fault(16 << 12, Memory.READ);
              }
              outside.set(0);
              running.countDown();
              while ((hart.lines.word() & Lines.ATTENTION) == 0) {
                Thread.onSpinWait();
              }
              outside.set(1);
              return Exit.ATTENTION;
            });
    machine.thread().resume();
    running.await();
    for (int i = 0; i < 200; i++) {
      until("the page", () -> machine.space().frameAt(16) >= 0);
      machine.space().unmap(16, 1);
    }
    assertTrue(core.counters().get("shoot-downs") >= 200);
  }

  @Test
  void aGrantedPageStaysUntilItIsGivenBack() throws Exception {
    OnePage machine = machine(hart -> Exit.WAIT);
    Grant grant = machine.space().grant((16 << 12) + 100, 5000, Memory.WRITE | Memory.READ);
    grant.setLong(3990, 0x1122334455667788L); // across the page border, not aligned
    assertEquals(0x1122334455667788L, grant.getLong(3990));
    Thread unmapping = new Thread(() -> machine.space().unmap(16, 1));
    unmapping.start();
    until("it to wait", () -> unmapping.getState() == Thread.State.TIMED_WAITING);
    assertEquals(0, machine.space().frameAt(16));
    grant.close();
    unmapping.join();
    assertEquals(-1, machine.space().frameAt(16));
    assertThrows(CallFailed.BadRequest.class, () -> grant.getByte(0));
    assertThrows(
        CallFailed.BadRequest.class, () -> machine.space().grant(19 << 12, 1, Memory.READ));
    assertThrows(CallFailed.BadRequest.class, () -> machine.space().grant(-1, 1, Memory.READ));
  }

  @Test
  void aHandlerThatHangsLosesItsProcessorAndTheThreadGoesOn() {
    CountDownLatch hang = new CountDownLatch(1);
    onTrap.set(
        serving -> {
          if (traps.get() == 1) {
            try {
              hang.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
          return TrapHandler.RESUME_BEHIND;
        });
    OnePage machine = machine(hart -> hart.completed == 0 ? Exit.CALL : Exit.WAIT);
    machine.thread().resume();
    until("the watchdog", () -> core.endpoint("m").report().condition().startsWith("failed"));
    var endpoint = core.endpoint("m");
    try (var hold = core.hold(List.of(core.endpoint("m/pager")), TimeUnit.SECONDS.toNanos(30))) {
      assertEquals(0, hold.drained());
    }
    endpoint.open("machine", null).bind();
    until("the repeated call", () -> traps.get() == 2);
    hang.countDown();
  }

  /** A scheduler that answers what the test wants. */
  static final class OddScheduler implements Scheduler, Instance {
    private final long answer;

    OddScheduler(long answer) {
      this.answer = answer;
    }

    @Override
    public int ready(int thread, int weight) {
      return NO_PROCESSOR;
    }

    @Override
    public void gone(int thread) {}

    @Override
    public long pick(int processor) {
      if (answer < 0) {
        throw new IllegalStateException("no idea");
      }
      return answer;
    }

    @Override
    public void ran(int processor, int thread, long nanos, boolean ready) {}

    @Override
    public State save() {
      return State.of("scheduler", 1);
    }
  }

  @Test
  void aSchedulerThatPicksNonsenseOrThrowsIsDroppedAndGuestsGoOn() {
    for (long answer : new long[] {Scheduler.choice(999, 1_000_000), -1}) {
      String path = "scheduler";
      core.register("odd" + answer, (context, saved) -> new OddScheduler(answer), Scheduler.class);
      if (!core.endpointMap().containsKey(path)) {
        core.create(path, Scheduler.class, Map.of("server", "odd" + answer), Map.of(), false);
      } else {
        core.endpoint(path).open("odd" + answer, null).bind();
      }
      until("the fallback", () -> core.endpoint(path).report().condition().startsWith("failed"));
    }
    assertTrue(core.counters().get("scheduler fallbacks") >= 1);
    OnePage machine = machine(hart -> hart.runs < 10 ? Exit.CALL : Exit.WAIT);
    machine.thread().resume();
    until("work under the last resort", () -> traps.get() == 9);
  }

  @Test
  void theEndOfAnEndpointEndsItsThreadsAndSpaces() {
    OnePage machine = machine(hart -> Exit.BUDGET);
    machine.thread().resume();
    core.remove("m");
    assertTrue(core.threads().isEmpty());
    assertTrue(core.spaces().isEmpty());
    assertFalse(core.endpointMap().containsKey("m/pager"));
    assertThrows(CallFailed.Revoked.class, machine::thread);
  }
}
