package duality.vmm.agent;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.console.host.HostConsoleServer;
import duality.drivers.Console;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import duality.kernel.core.Core;
import duality.vmm.GuestAgent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server, with a guest played by the test at the other end of a real console. */
@Timeout(600)
class AgentTest {
  private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(120);

  private Core core;
  private Console port;
  private GuestAgent agent;

  // The guest:
  private byte[] received = new byte[0];
  private final Map<Integer, String> running = new HashMap<>();
  private int killed;
  private String fed = "";

  @BeforeEach
  void assemble() {
    core = Core.start(1, 1 << 20, 20);
    core.register("console.host", new HostConsoleServer(), Console.class);
    core.register("agent", new AgentServer(), GuestAgent.class);
    Kernel kernel = core.kernel();
    Map<String, String> config =
        Map.of("server", "console.host", "remember", Integer.toString(1 << 25));
    port = kernel.create("port", Console.class, config, Map.of(), false);
    agent =
        kernel.create(
            "agent",
            GuestAgent.class,
            Map.of("server", "agent"),
            Map.of(Slots.BACKEND, port),
            false);
  }

  @AfterEach
  void end() {
    core.close();
  }

  /** The guest takes what the host sent, and answers greetings. */
  private void guest() {
    byte[] more = port.input(1 << 20).getBytes(ISO_8859_1);
    byte[] all = java.util.Arrays.copyOf(received, received.length + more.length);
    System.arraycopy(more, 0, all, received.length, more.length);
    int at = 0;
    while (all.length - at >= Frames.HEADER_BYTES) {
      ByteBuffer frame = ByteBuffer.wrap(all, at, all.length - at).slice();
      frame.order(ByteOrder.LITTLE_ENDIAN);
      int length = frame.getInt(12);
      assertEquals(0x01417544, frame.getInt(0), "the host sends frames only");
      if (frame.remaining() < Frames.HEADER_BYTES + length) {
        break;
      }
      switch (frame.getInt(4)) {
        case Frames.HELLO -> {
          running.clear();
          say(Frames.hello(Frames.ANSWER, frame.getLong(24)));
        }
        case Frames.RUN ->
            running.put(frame.getInt(8), new String(all, at + 16, length, ISO_8859_1));
        case Frames.FEED -> {
          int command = at + 20 + frame.getInt(16);
          running.put(frame.getInt(8), new String(all, at + 20, command - at - 20, ISO_8859_1));
          fed = new String(all, command, at + 16 + length - command, ISO_8859_1);
        }
        case Frames.KILL -> killed = frame.getInt(8);
        default -> throw new AssertionError("frame type " + frame.getInt(4));
      }
      at += Frames.HEADER_BYTES + length;
    }
    received = java.util.Arrays.copyOfRange(all, at, all.length);
  }

  private void say(byte[] bytes) {
    port.written(new String(bytes, ISO_8859_1));
  }

  private void writes(long job, String text) {
    say(Frames.write(Frames.OUT, (int) job, text.getBytes(ISO_8859_1)));
  }

  private void exits(long job, int kind, int code) {
    ByteBuffer payload = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    say(Frames.write(Frames.EXIT, (int) job, payload.putInt(kind).putInt(code).array()));
  }

  /** Waits while the guest does its part; the console's wait is the pace. */
  private void until(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + LIMIT_NANOS;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() - end < 0, () -> "never: " + what + "\n" + core.trace());
      guest();
      port.output(Long.MAX_VALUE, 1, 5);
    }
  }

  private void ready() {
    say(Frames.hello(Frames.STARTED, 0));
    until("ready", () -> agent.ready());
  }

  private long started(String command, long timeoutMillis) {
    long job = agent.start(command, timeoutMillis);
    until("job " + job + " runs", () -> running.containsKey((int) job));
    assertEquals(command, running.get((int) job));
    return job;
  }

  private String readAll(long job) {
    StringBuilder text = new StringBuilder();
    until(
        "job " + job + " is read",
        () -> {
          text.append(agent.output(job, text.length(), 1_000, 10));
          return agent.job(job).ended() && text.length() == agent.job(job).outputBytes();
        });
    return text.toString();
  }

  @Test
  void nobodyIsReadyBeforeTheGuestHasAnswered() {
    assertFalse(agent.ready());
    assertTrue(
        assertThrows(CallFailed.BadRequest.class, () -> agent.start("true", 0))
            .getMessage()
            .contains("has not said hello"));
    ready();
    started("true", 0);
  }

  @Test
  void outputComesToTheByteFromSeveralAtOnce() {
    ready();
    StringBuilder every = new StringBuilder();
    for (int i = 0; i < 256 * 20; i++) {
      every.append((char) (i & 0xFF));
    }
    long first = started("cat a", 0);
    long second = started("cat b", 0);
    assertTrue(first != second);
    writes(first, every.substring(0, 3_000));
    writes(second, "b");
    writes(first, every.substring(3_000));
    exits(second, 0, 0);
    exits(first, 0, 3);
    assertEquals(every.toString(), readAll(first));
    assertEquals("b", readAll(second));
    assertEquals(
        new GuestAgent.Job(first, "cat a", "exited", 3, "", every.length()), agent.job(first));
    agent.forget(first);
    agent.forget(first); // has no effect
    assertThrows(CallFailed.BadRequest.class, () -> agent.job(first));
    assertEquals("exited", agent.job(second).state());
  }

  @Test
  void aCommandIsFedWithAsManyBytesAsAFrameCanHave() {
    ready();
    StringBuilder every = new StringBuilder();
    while (every.length() < 65_532 - "cat é".length() - 1) {
      every.append((char) (every.length() & 0xff));
    }
    for (String input : List.of("", "x", every.toString())) {
      long job = agent.feed("cat é", input, 0);
      until("job " + job + " runs", () -> running.containsKey((int) job));
      assertEquals("cat Ã©", running.get((int) job), "UTF-8");
      assertEquals(input, fed);
      assertEquals("cat é", agent.job(job).command());
      exits(job, 0, 0);
    }
    for (String command : List.of("", "a\0b", "cat éé")) {
      assertThrows(CallFailed.BadRequest.class, () -> agent.feed(command, every.toString(), 0));
    }
    CallFailed.BadRequest tooLong =
        assertThrows(CallFailed.BadRequest.class, () -> agent.feed("x", "y".repeat(1 << 17), 0));
    assertEquals(
        "a command with its input has at most 65532 bytes, and the input alone 131072",
        tooLong.getMessage());
    started("true", 0);
  }

  @Test
  void whatWasReadIsGivenUp() {
    ready();
    long job = started("x", 0);
    writes(job, "0123456789");
    until("written", () -> agent.job(job).outputBytes() == 10);
    assertEquals("0123", agent.output(job, 0, 4, 0));
    assertEquals("0123", agent.output(job, 0, 4, 0));
    assertEquals("456789", agent.output(job, 4, 100, 0));
    assertThrows(CallFailed.BadRequest.class, () -> agent.output(job, 3, 100, 0));
    assertThrows(CallFailed.BadRequest.class, () -> agent.output(job, 4, 0, 0));
    assertEquals("", agent.output(job, 10, 100, 1));
  }

  @Test
  void aJobThatTakesTooLongIsKilled() {
    ready();
    long job = started("sleep 1000", 30);
    until("KILL", () -> killed == job);
    assertEquals("running", agent.job(job).state(), "until the guest says so");
    exits(job, 1, 9);
    until("ended", () -> agent.job(job).ended());
    GuestAgent.Job ended = agent.job(job);
    assertEquals("killed", ended.state());
    assertEquals(137, ended.status());
    assertEquals("took longer than it may", ended.why());
  }

  @Test
  void aJobIsKilledOnDemandAndMayStillExitByItself() {
    ready();
    long first = started("sleep 1000", 0);
    agent.kill(first);
    until("KILL", () -> killed == first);
    exits(first, 1, 9);
    until("ended", () -> agent.job(first).ended());
    assertEquals("killed", agent.job(first).why());
    long second = started("true", 0);
    agent.kill(second);
    exits(second, 0, 0);
    until("ended", () -> agent.job(second).ended());
    assertEquals("exited", agent.job(second).state());
    long third = started("nonsense", 0);
    exits(third, 2, 11);
    until("ended", () -> agent.job(third).ended());
    assertEquals("lost", agent.job(third).state());
    assertTrue(agent.job(third).why().contains("11"));
  }

  @Test
  void jobsAreLostWithTheirGuest() {
    ready();
    long first = started("a", 0);
    say(Frames.hello(Frames.STARTED, 0)); // it crashed and came back
    until("lost", () -> agent.job(first).ended());
    assertEquals("lost", agent.job(first).state());
    until("ready again", () -> agent.ready());
    long second = started("b", 0);
    agent.reset();
    assertFalse(agent.ready());
    assertEquals("lost", agent.job(second).state());
    ready();
    long third = started("c", 0);
    say("rubbish is no frame".getBytes(ISO_8859_1));
    until("lost", () -> agent.job(third).ended());
    until("greeted again", () -> agent.ready());
  }

  @Test
  void unreadOutputHasALimit() {
    ready();
    long job = started("yes", 0);
    String much = "y\n".repeat(30_000);
    long sent = 0;
    while (sent <= GuestAgent.KEPT_BYTES) {
      writes(job, much);
      sent += much.length();
    }
    until("KILL", () -> killed == job);
    exits(job, 1, 9);
    until("ended", () -> agent.job(job).ended());
    assertTrue(agent.job(job).why().contains("not read"), agent.job(job).why());
    long kept = agent.job(job).outputBytes();
    assertTrue(kept <= GuestAgent.KEPT_BYTES && kept > GuestAgent.KEPT_BYTES - 70_000);
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    ready();
    for (String command : new String[] {"", "a\0b", "x".repeat(65_537)}) {
      assertThrows(CallFailed.BadRequest.class, () -> agent.start(command, 0));
    }
    assertThrows(CallFailed.BadRequest.class, () -> agent.start("a", -1));
    for (long unknown : new long[] {0, -1, 77, 1L << 40}) {
      assertThrows(CallFailed.BadRequest.class, () -> agent.output(unknown, 0, 1, 0));
      assertThrows(CallFailed.BadRequest.class, () -> agent.job(unknown));
      assertThrows(CallFailed.BadRequest.class, () -> agent.kill(unknown));
      agent.forget(unknown);
    }
  }

  // ---- replacement ----

  private State replaced(java.util.function.UnaryOperator<State> change) {
    Kernel kernel = core.kernel();
    Endpoint endpoint = kernel.endpoint("agent");
    try (Kernel.Hold hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
      State saved = endpoint.save();
      endpoint.open("agent", change.apply(saved)).bind();
      assertTrue(hold.drained() >= 0);
      return saved;
    }
  }

  @Test
  void jobsGoOnWhenTheServerIsReplaced() {
    ready();
    long job = started("cat", 0);
    long slow = started("sleep 1000", 600);
    writes(job, "before ");
    byte[] cut = Frames.write(Frames.OUT, (int) job, "between ".getBytes(ISO_8859_1));
    say(java.util.Arrays.copyOf(cut, 20));
    until("written", () -> agent.job(job).outputBytes() == 7);
    for (int i = 0; i < 3; i++) {
      replaced(saved -> saved);
      assertTrue(agent.ready(), "no greeting is needed");
    }
    say(java.util.Arrays.copyOfRange(cut, 20, cut.length));
    writes(job, "after");
    exits(job, 0, 0);
    assertEquals("before between after", readAll(job));
    assertEquals(List.of("cat", "sleep 1000"), running.values().stream().sorted().toList());
    until("KILL", () -> killed == slow);
    long next = started("next", 0);
    assertEquals(slow + 1, next, "numbers go on");
  }

  @Test
  void statesThatCannotBeAreRefused() {
    ready();
    started("a", 0);
    for (java.util.function.UnaryOperator<State> bad :
        List.<java.util.function.UnaryOperator<State>>of(
            saved -> State.of("agent", 9),
            saved -> saved.with("position", -1),
            saved -> saved.with("newest", 0),
            saved ->
                saved.with("jobs", List.of(saved.states("jobs").getFirst().with("state", "x"))),
            saved -> saved.with("session", State.of("nothing", 1)))) {
      CallFailed refused = assertThrows(CallFailed.class, () -> replaced(bad));
      assertTrue(refused.getMessage().contains("Refused"), refused.getMessage());
      assertTrue(agent.ready(), "the old one serves on");
    }
  }
}
