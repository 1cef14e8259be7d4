package duality.dial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import duality.kernel.core.Core;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What stands in front of a server is like the server, but for its cost. */
@Timeout(300)
class CrossingTest {
  /** Of every kind of argument and result. */
  @Protocol(rank = 60)
  public interface Kinds {
    int add(int one, int other);

    long sum(byte a, short b, char c, int d, long e, boolean f);

    double half(double of, float and);

    String text(String of, @Nullable Object any);

    void nothing();

    boolean refuse();

    long thread();
  }

  private static final class Serving implements Kinds, Instance {
    private int calls;

    Serving(@Nullable State saved) {
      calls = saved == null ? 0 : (int) saved.number("calls", 0, 1_000_000);
    }

    @Override
    public int add(int one, int other) {
      calls++;
      return one + other;
    }

    @Override
    public long sum(byte a, short b, char c, int d, long e, boolean f) {
      return a + b + c + d + e + (f ? 1 : 0);
    }

    @Override
    public double half(double of, float and) {
      return of / 2 + and;
    }

    @Override
    public String text(String of, @Nullable Object any) {
      return of + any + calls;
    }

    @Override
    public void nothing() {
      calls++;
    }

    @Override
    public boolean refuse() {
      throw new CallFailed.BadRequest("not so");
    }

    @Override
    public long thread() {
      return Thread.currentThread().threadId();
    }

    @Override
    public State save() {
      return State.of("kinds", 1).with("calls", calls);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Price price = new Price();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Kinds kinds;

  CrossingTest() {
    core.register("plain", (context, saved) -> new Serving(saved), Kinds.class);
    core.register(
        "plain+dial",
        new DialServer(
            (context, saved) -> new Serving(saved), path -> price, threads, closed::countDown),
        Kinds.class);
    kinds = core.create("k", Kinds.class, Map.of("server", "plain"), Map.of(), false);
  }

  @AfterEach
  void stop() {
    core.close();
    threads.shutdownNow();
  }

  private void swap(String server) {
    Endpoint endpoint = core.endpoint("k");
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      endpoint.open(server, endpoint.save()).bind();
    }
  }

  private void allKinds() {
    assertEquals(7, kinds.add(3, 4));
    assertEquals(
        -1 + 2 + 'c' + 4 + (5L << 40) + 1, kinds.sum((byte) -1, (short) 2, 'c', 4, 5L << 40, true));
    assertEquals(4.5, kinds.half(8, 0.5f));
    kinds.nothing();
    CallFailed.BadRequest refused =
        assertThrows(CallFailed.BadRequest.class, kinds::refuse, "a refusal comes through");
    assertEquals("not so", refused.getMessage());
  }

  @Test
  void itIsPutInFrontAndTakenAwayWithTheStateInBothDirections() throws Exception {
    allKinds();
    swap("plain+dial");
    allKinds();
    assertEquals(5, price.calls.sum());
    price.handOff = true;
    allKinds();
    assertEquals(10, price.calls.sum());
    assertEquals(1, closed.getCount(), "it is still in use");
    swap("plain");
    allKinds();
    assertEquals(10, price.calls.sum(), "nothing is in front any more");
    assertTrue(closed.await(30, TimeUnit.SECONDS), "the last instance of the dial was closed");
    assertEquals("xnull8", kinds.text("x", null), "two calls are counted by each round");
  }

  @Test
  void eachCallCostsWhatIsSetAtLeast() {
    swap("plain+dial");
    price.nanos = 100_000;
    long begun = System.nanoTime();
    for (int i = 0; i < 100; i++) {
      kinds.nothing();
    }
    long spent = System.nanoTime() - begun;
    assertTrue(spent >= 100 * 100_000, () -> spent + " ns for a hundred calls of 100 µs");
  }

  @Test
  void aHandedOffCallIsMadeByAnotherThread() {
    swap("plain+dial");
    assertEquals(Thread.currentThread().threadId(), kinds.thread());
    price.handOff = true;
    assertNotEquals(Thread.currentThread().threadId(), kinds.thread());
  }

  @Test
  void theClassIsGeneratedOncePerClassOfInstances() {
    assertSame(CrossingFactory.of(Serving.class), CrossingFactory.of(Serving.class));
    assertThrows(IllegalArgumentException.class, () -> CrossingFactory.of(String.class));
  }

  @Test
  void aCallIsPaidWithProcessorTimeOfItsCaller() {
    Price price = new Price();
    price.nanos = 50_000;
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long begun = threads.getCurrentThreadCpuTime();
    for (int i = 0; i < 200; i++) {
      price.pay();
    }
    long spent = threads.getCurrentThreadCpuTime() - begun;
    assertEquals(200, price.calls.sum());
    // Each look at the clock may end late by a step, and a host that stops a processor counts that.
    assertTrue(spent >= 8_000_000, () -> spent + " ns for 10 ms");
  }

  @Test
  void whatOthersTookOfTheProcessorIsNotPaidWith() {
    assertEquals(70, Price.step(70));
    assertEquals(Price.LONGEST_STEP_NANOS, Price.step(4_000_000), "it was another's turn");
  }
}
