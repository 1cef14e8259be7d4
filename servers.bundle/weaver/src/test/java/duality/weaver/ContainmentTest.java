package duality.weaver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Kernel;
import duality.kernel.Server;
import duality.kernel.core.Core;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a woven server does to its caller, to its thread and to others. */
@Timeout(300)
class ContainmentTest {
  private final Core core = Core.start(2, 1 << 20, 20);
  private final Kernel kernel = core.kernel();
  private final Class<?> woven = WovenLoader.load(Misbehaving.class);
  private final Deed other;

  ContainmentTest() throws ReflectiveOperationException {
    core.register("bad", (Server) woven.getConstructor().newInstance(), Deed.class);
    core.register("other", new Misbehaving(), Deed.class);
    other = kernel.create("other", Deed.class, Map.of("server", "other"), Map.of(), false);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private Deed bad(Map<String, String> config) {
    Map<String, String> all = new java.util.HashMap<>(config);
    all.put("server", "bad");
    return kernel.create("bad", Deed.class, all, Map.of(), false);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "loop",
        "for",
        "do",
        "switch",
        "catch",
        "constructor",
        "initialiser",
        "recursion",
        "tree",
        "sleep",
        "wait",
        "locked"
      })
  void whatDoesNotEndIsEnded(String deed) throws Exception {
    Deed bad = bad(Map.of());
    assertEquals(42, bad.run("good"));
    Thread caller =
        new Thread(() -> assertThrows(CallFailed.class, () -> bad.run(deed)), "caller of " + deed);
    caller.start();
    caller.join(TimeUnit.SECONDS.toMillis(100));
    assertFalse(caller.isAlive(), "the thread goes on: " + List.of(caller.getStackTrace()));
    assertFalse(caller.isInterrupted(), "the interrupt was for the call only");
    // The watchdog closes the gate, tells the call to end, and then says that the server failed.
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (!kernel.endpoint("bad").report().condition().startsWith("failed")) {
      assertTrue(System.nanoTime() - deadline < 0, kernel.endpoint("bad").report().condition());
      Thread.onSpinWait();
    }
    assertThrows(CallFailed.ServerFailed.class, () -> bad.run("good"), "crash semantics");
    assertEquals(42, other.run("good"), "others go on");
    assertEquals(0, core.counters().get("given-up calls inside"), "nobody is left inside");
  }

  @Test
  void locksAreGivenBack() throws Exception {
    Deed bad = bad(Map.of());
    Thread caller = new Thread(() -> assertThrows(CallFailed.class, () -> bad.run("locked")));
    caller.start();
    caller.join(TimeUnit.SECONDS.toMillis(100));
    Object lock = woven.getField("LOCK").get(null);
    assertTrue(
        ((java.util.concurrent.locks.ReentrantLock) lock).tryLock(), "given back by unwinding");
    assertTrue(!Thread.holdsLock(lock));
  }

  @ParameterizedTest
  @ValueSource(strings = {"exit", "runtime exit", "halt", "reference"})
  void whatWouldEndTheJvmEndsTheServer(String deed) {
    Deed bad = bad(Map.of());
    CallFailed failure = assertThrows(CallFailed.ServerFailed.class, () -> bad.run(deed));
    assertTrue(failure.getMessage().contains("(3) was called by a server"), failure.getMessage());
    assertEquals(42, other.run("good"), "others go on");
  }

  @Test
  void anExitInOpenIsARefusalToOpen() {
    CallFailed failure = assertThrows(CallFailed.class, () -> bad(Map.of("open", "exit")));
    assertTrue(failure.getMessage().contains("System.exit(3)"), failure.getMessage());
    assertEquals(42, other.run("good"), "others go on");
  }

  @Test
  void aServerThatIsNotWovenGoesOnBurning() throws Exception {
    // The control: without the weaver the same deed is given up, but nobody ends it.
    Thread caller = new Thread(() -> other.run("loop"));
    caller.setDaemon(true);
    caller.start();
    while (!kernel.endpoint("other").report().condition().startsWith("failed")) {
      Thread.onSpinWait();
    }
    long before = Misbehaving.rounds;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (Misbehaving.rounds <= before + 1_000_000) {
      assertTrue(System.nanoTime() - deadline < 0, "it stands still");
      Thread.onSpinWait();
    }
    assertTrue(caller.isAlive());
  }
}
