package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Notification;
import duality.kernel.Protocol;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls, failures, workers, and replacing a server under load. */
@Timeout(300)
class CoreTest {
  /** A counter: the smallest stateful protocol. */
  @Protocol(rank = 60, deadlineMillis = 300)
  public interface Counter {
    long add(long amount);

    String name();

    void fail(String how);

    long viaOther(Counter other);
  }

  /** The same where nobody is given up because the host of the test is busy. */
  @Protocol(rank = 60, deadlineMillis = 20_000)
  public interface PatientCounter extends Counter {}

  static final class CounterServer implements Server {
    final String name;
    final CountDownLatch block = new CountDownLatch(1);

    CounterServer(String name) {
      this.name = name;
    }

    @Override
    public Instance open(Context context, @Nullable State saved) {
      if (name.equals("refuser") && saved != null) {
        throw new State.Refused("not this one");
      }
      return new Serving(this, saved == null ? 0 : saved.number("sum"));
    }
  }

  static final class Serving implements PatientCounter, Instance {
    private final CounterServer server;
    private long sum;

    Serving(CounterServer server, long sum) {
      this.server = server;
      this.sum = sum;
    }

    @Override
    public synchronized long add(long amount) {
      return sum += amount;
    }

    @Override
    public String name() {
      return server.name;
    }

    @Override
    public void fail(String how) {
      switch (how) {
        case "bad" -> throw new CallFailed.BadRequest("as asked");
        case "throw" -> throw new IllegalStateException("as asked");
        case "hang" -> {
          try {
            server.block.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }
        default -> throw new AssertionError(how);
      }
    }

    @Override
    public long viaOther(Counter other) {
      return other.add(1);
    }

    @Override
    public State save() {
      return State.of("counter", 1).with("sum", sum);
    }
  }

  private final Core core = Core.start(2, 1 << 20, 20);
  private final Kernel kernel = core.kernel();
  private final CounterServer first = new CounterServer("first");

  CoreTest() {
    core.register("first", first, Counter.class, PatientCounter.class);
    core.register("second", new CounterServer("second"), Counter.class, PatientCounter.class);
    core.register("refuser", new CounterServer("refuser"), Counter.class);
  }

  @AfterEach
  void stop() {
    first.block.countDown();
    core.close();
  }

  private Counter counter(String path) {
    return kernel.create(path, Counter.class, Map.of("server", "first"), Map.of(), false);
  }

  private void swap(String path, String to) {
    var endpoint = kernel.endpoint(path);
    HandOver.call(
        core,
        "swap",
        () -> {
          try (var hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
            endpoint.open(to, endpoint.save()).bind();
            return hold;
          }
        });
  }

  @Test
  void callsReachTheServerAndAreCounted() {
    Counter counter = counter("c");
    for (int i = 0; i < 1000; i++) {
      counter.add(2);
    }
    assertEquals(2002, counter.add(2));
    assertEquals(1001, kernel.endpoint("c").report().calls());
    assertEquals(0, kernel.endpoint("c").report().inside());
  }

  @Test
  void aBadRequestLeavesTheServerServing() {
    Counter counter = counter("c");
    assertThrows(CallFailed.BadRequest.class, () -> counter.fail("bad"));
    assertEquals(1, counter.add(1));
  }

  @Test
  void anExceptionFailsTheServerAndASwapMendsIt() {
    Counter counter = counter("c");
    counter.add(41);
    assertThrows(CallFailed.ServerFailed.class, () -> counter.fail("throw"));
    assertThrows(CallFailed.ServerFailed.class, () -> counter.add(1));
    swap("c", "second");
    assertEquals(42, counter.add(1));
  }

  @Test
  void aCallThatHangsTimesOutForTheNextOnesAndItsLateReturnIsSeen() throws Exception {
    Counter counter = counter("c");
    AtomicLong late = new AtomicLong();
    Thread caller =
        new Thread(
            () -> {
              try {
                counter.fail("hang");
              } catch (CallFailed.TimedOut e) {
                late.set(1);
              }
            });
    caller.start();
    while (!kernel.endpoint("c").report().condition().startsWith("failed")) {
      Thread.onSpinWait();
    }
    assertThrows(CallFailed.ServerFailed.class, () -> counter.add(1));
    first.block.countDown();
    caller.join();
    assertEquals(1, late.get(), "the late return ends in the stub as timed out");
  }

  @Test
  void aServerThatHangsIsReplacedAndNotPutBackInService() throws Exception {
    Counter counter = counter("c");
    Thread caller =
        new Thread(
            () -> {
              try {
                counter.fail("hang");
              } catch (CallFailed.TimedOut e) {
                // as it should be
              }
            });
    caller.start();
    var endpoint = kernel.endpoint("c");
    while (!endpoint.report().condition().startsWith("failed")) {
      Thread.onSpinWait();
    }
    try (var hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertTrue(endpoint.report().condition().startsWith("failed"), "also while it is held");
      assertThrows(CallFailed.ServerFailed.class, endpoint::save);
      assertEquals(0, hold.drained());
    }
    assertThrows(CallFailed.ServerFailed.class, () -> counter.add(1));
    try (var hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      endpoint.open("second", null).bind();
    }
    assertEquals(1, counter.add(1));
    first.block.countDown();
    caller.join();
  }

  @Test
  void partsLoseWhatWasTakenBackAndNothingElse() {
    var all = kernel.allFrames();
    var part = all.part(8, 8);
    all.reclaim(10, 2);
    assertThrows(CallFailed.Revoked.class, () -> part.part(2, 1));
    assertThrows(CallFailed.Revoked.class, () -> part.part(0, 8));
    assertEquals(12, part.part(4, 4).first());
  }

  @Test
  void aWeakCapabilityGivesNoStrongOne() {
    var notification = (Notification) core.capability(core.newNotification("n"), null);
    var weak = (Notification) Core.stub(notification).derive(duality.kernel.Rights.READ, 7, null);
    assertThrows(CallFailed.BadRequest.class, () -> weak.signal(1));
    assertEquals(0, weak.word());
    Core.stub(notification).revoke();
    assertThrows(CallFailed.Revoked.class, weak::word);
  }

  @Test
  void whoLooksCannotCommand() {
    Object view = new ObservationView(core);
    assertFalse(view instanceof Kernel);
    assertFalse(view instanceof AutoCloseable);
  }

  @Test
  void callsGoDownOnly() {
    Counter one = counter("one");
    Counter two = counter("two");
    assertThrows(CallFailed.BadRequest.class, () -> one.viaOther(two));
  }

  @Test
  void aRefusedStateLeavesTheOldServerServing() {
    Counter counter = counter("c");
    counter.add(5);
    assertThrows(CallFailed.ServerFailed.class, () -> swap("c", "refuser"));
    assertEquals("first", counter.name());
    assertEquals(6, counter.add(1));
  }

  @Test
  void noCallIsLostOrDoubledByAThousandSwapsUnderLoad() throws Exception {
    Counter counter =
        kernel.create("c", PatientCounter.class, Map.of("server", "first"), Map.of(), false);
    AtomicLong calls = new AtomicLong();
    boolean[] stop = new boolean[1];
    Thread[] clients = new Thread[3];
    for (int i = 0; i < clients.length; i++) {
      clients[i] =
          new Thread(
              () -> {
                while (!stop[0]) {
                  counter.add(1);
                  calls.incrementAndGet();
                }
              });
      clients[i].start();
    }
    for (int i = 0; i < 1000 || calls.get() <= 1000; i++) { // with load, however long that takes
      swap("c", i % 2 == 0 ? "second" : "first");
    }
    stop[0] = true;
    for (Thread client : clients) {
      client.join();
    }
    assertEquals(calls.get(), counter.add(0));
    assertEquals(calls.get() + 1, kernel.endpoint("c").report().calls());
  }

  @Test
  void endedEndpointsRefuseWithRevoked() {
    Counter counter = counter("c");
    kernel.remove("c");
    assertThrows(CallFailed.Revoked.class, () -> counter.add(1));
  }

  @Test
  void notificationsLoseNoBit() throws Exception {
    Notification word = core.newNotification("n");
    AtomicLong seen = new AtomicLong();
    Thread taker =
        new Thread(
            () -> {
              while (seen.get() != 0xFFFF) {
                seen.accumulateAndGet(word.take(0xFFFF, 100_000_000_000L), (a, b) -> a | b);
              }
            });
    taker.start();
    for (int i = 0; i < 16; i++) {
      word.signal(1L << i);
    }
    taker.join(100_000);
    assertFalse(taker.isAlive());
    assertEquals(0, word.word());
  }

  @Test
  void theHoldOfAnEndpointFromInsideIsRefused() {
    CallSlot slot = CallSlot.current();
    counter("c");
    EndpointObject endpoint = (EndpointObject) kernel.endpoint("c");
    slot.push(endpoint.gate, 0);
    try {
      assertThrows(CallFailed.BadRequest.class, () -> kernel.hold(List.of(endpoint), 1_000_000));
    } finally {
      slot.pop();
    }
  }
}
