package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Protocol;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.processor.Engine;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Version;

/** Harts that go from one engine to another while they run, wait and call out. */
@Timeout(300)
class EnginesTest {
  /** A machine of one thread; its callers wait long. */
  @Protocol(rank = Protocol.MACHINE, deadlineMillis = 20_000)
  public interface Lone extends TrapHandler {
    KernelThread thread();
  }

  private final class Serving implements Lone, Instance {
    private final KernelThread thread;

    Serving(Context context) {
      thread = context.thread("t", HartMode.USER, context.space("m"), context.self(Lone.class), "");
    }

    @Override
    public KernelThread thread() {
      return thread;
    }

    @Override
    public int trap(int id, int cause, long value) {
      // Each trap is counted in a register, so that the hart's state must come along each time.
      thread.x(5, thread.x(5) + 1);
      traps.incrementAndGet();
      while (stuck) {
        isStuck = true;
        Thread.onSpinWait(); // does not hear of interrupts
      }
      return RESUME_BEHIND;
    }

    @Override
    public long load(int id, long address, int width) {
      return 0;
    }

    @Override
    public void store(int id, long address, int width, long value) {}

    @Override
    public State save() {
      return State.of("lone", 1);
    }
  }

  private final Core core = Core.start(2, 1 << 20, 20);
  private final AtomicLong traps = new AtomicLong();
  private final CountDownLatch hang = new CountDownLatch(1);
  private volatile boolean stuck;
  private volatile boolean isStuck;
  private final Engine one = new ScriptedEngine(hart -> Exit.CALL);
  private final Engine two = new ScriptedEngine(hart -> Exit.CALL);

  @AfterEach
  void stop() {
    hang.countDown();
    stuck = false;
    core.close();
  }

  private static EngineTable.Entry entry(Engine engine, String version, int bundle) {
    return new EngineTable.Entry(
        "scripted", engine, "engine " + version, Version.parseVersion(version), bundle);
  }

  private Lone machine() {
    core.register("lone", (context, saved) -> new Serving(context), Lone.class);
    return core.create("m", Lone.class, Map.of("server", "lone"), Map.of(), false);
  }

  private void goesOn() {
    long before = traps.get();
    until("the thread to go on", () -> traps.get() > before + 3);
  }

  @Test
  void aRunningThreadLosesNothingByAHundredMovesBetweenEngines() {
    core.engines().add(entry(one, "1.0.0", 4));
    core.engines().add(entry(two, "2.0.0", 5));
    Lone machine = machine();
    ThreadObject thread = core.allThreads().iterator().next();
    assertEquals(two, thread.engine(), "the highest version");
    machine.thread().resume();
    for (int i = 0; i < 50; i++) {
      goesOn();
      assertEquals(1, core.moveThreads("scripted#4"));
      assertEquals(one, thread.engine());
      assertEquals(1, core.moveThreads("scripted"));
    }
    machine.thread().suspend();
    assertEquals(traps.get(), machine.thread().x(5), "each trap counted once, in the hart");
  }

  @Test
  void withoutAnEngineAThreadLiesStillAndGoesOnWithTheNext() {
    core.engines().add(entry(one, "1.0.0", 4));
    Lone machine = machine();
    machine.thread().resume();
    goesOn();
    core.engines().remove(one);
    long seen = traps.get();
    ThreadObject thread = core.allThreads().iterator().next();
    until("it to be set aside", () -> thread.doing() == ThreadObject.Doing.WAITING);
    assertEquals(seen, traps.get());
    assertThrows(CallFailed.NoServer.class, () -> core.moveThreads("scripted"));
    core.engines().add(entry(two, "1.0.1", 5));
    goesOn();
    machine.thread().suspend();
    assertEquals(traps.get(), machine.thread().x(5));
  }

  @Test
  void anEngineThatDoesNotTakeAHartLeavesItWhereItIs() {
    core.engines().add(entry(one, "2.0.0", 4));
    Engine bad =
        (mode, memory, lines, clock) -> {
          throw new IllegalStateException("as asked");
        };
    core.engines().add(entry(bad, "1.0.0", 5));
    Lone machine = machine();
    machine.thread().resume();
    CallFailed failed =
        assertThrows(CallFailed.ServerFailed.class, () -> core.moveThreads("scripted#5"));
    assertTrue(failed.getMessage().contains("as asked"), failed.getMessage());
    goesOn();
  }

  @Test
  void aThreadThatDidNotComeToRestInTimeStaysAlsoAfterwards() {
    core.engines().add(entry(one, "2.0.0", 4));
    core.engines().add(entry(two, "1.0.0", 5));
    core.engines().restNanos = TimeUnit.MILLISECONDS.toNanos(50);
    Lone machine = machine();
    ThreadObject thread = core.allThreads().iterator().next();
    machine.thread().resume();
    stuck = true;
    until("the thread to be in its handler", () -> isStuck);
    assertThrows(CallFailed.TimedOut.class, () -> core.moveThreads("scripted#5"));
    assertEquals(one, thread.engine());
    stuck = false;
    goesOn();
    assertEquals(one, thread.engine(), "the move was refused to whoever asked for it");
    assertFalse(thread.shallRest());
    core.engines().restNanos = TimeUnit.SECONDS.toNanos(20);
    assertEquals(1, core.moveThreads("scripted#5"), "and can be asked for again");
    goesOn();
  }

  @Test
  void anEngineThatHangsHoldsUpNoOtherEngine() throws Exception {
    core.engines().add(entry(one, "2.0.0", 4));
    CountDownLatch entered = new CountDownLatch(1);
    Engine hanging =
        (mode, memory, lines, clock) -> {
          entered.countDown();
          until("the end of the test", () -> hang.getCount() == 0);
          throw new IllegalStateException("as asked");
        };
    core.engines().add(entry(hanging, "1.0.0", 5));
    machine();
    Thread mover =
        new Thread(
            () ->
                assertThrows(CallFailed.ServerFailed.class, () -> core.moveThreads("scripted#5")));
    mover.start();
    entered.await();
    FutureTask<String> comesAndGoes =
        new FutureTask<>(
            () -> {
              core.engines().add(entry(two, "3.0.0", 6));
              core.engines().remove(two);
              return "done";
            });
    new Thread(comesAndGoes).start();
    assertEquals("done", comesAndGoes.get(100, TimeUnit.SECONDS));
    hang.countDown();
    mover.join();
  }

  @Test
  void aThreadWhoseExitWaitsAtAHeldGateCanBeSuspendedAndMovedMeanwhile() {
    core.engines().add(entry(one, "1.0.0", 4));
    core.engines().add(entry(two, "0.9.0", 5));
    Lone machine = machine();
    KernelThread thread = machine.thread();
    thread.resume();
    goesOn();
    EndpointObject endpoint = (EndpointObject) core.endpoint("m");
    long since = System.nanoTime();
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertTrue(hold.drained() >= 0);
      long waited = endpoint.report().waited();
      until("its exit to wait", () -> endpoint.report().waited() > waited || waited > 0);
      assertEquals(1, core.moveThreads("scripted#5"));
      thread.suspend();
      assertEquals("SUSPENDED", thread.state());
    }
    assertTrue(
        System.nanoTime() - since < TimeUnit.SECONDS.toNanos(200),
        "whoever wants it to rest need not wait for the deadline of its exit");
    thread.resume();
    goesOn();
    thread.suspend();
    assertEquals(traps.get(), thread.x(5), "the exit was repeated, and once only");
  }
}
