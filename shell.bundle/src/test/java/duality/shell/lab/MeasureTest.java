package duality.shell.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.shell.lab.Experiment.Result;
import duality.shell.lab.HostWatch.Moment;
import duality.shell.lab.StackSample.Part;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class MeasureTest {
  private static final double[] PRICES = {0, 5, 20, 50, 100};

  @Test
  void aLineHasItsSlopeAndSaysHowWellItFits() {
    double[] straight = new double[PRICES.length];
    double[] bent = new double[PRICES.length];
    for (int i = 0; i < PRICES.length; i++) {
      straight[i] = 7 + 3 * PRICES[i];
      bent[i] = i % 2 == 0 ? 100 : 0;
    }
    Line line = Line.through(PRICES, straight);
    assertEquals(3, line.slope(), 1e-9);
    assertEquals(7, line.base(), 1e-9);
    assertEquals(1, line.fit(), 1e-9);
    assertEquals(7 + 3 * 230, line.at(230), 1e-6);
    assertTrue(Line.through(PRICES, bent).fit() < 0.5, "no line goes through that");
    assertEquals(1, Line.through(PRICES, new double[PRICES.length]).fit(), "nothing to explain");
  }

  @Test
  void timeOfTheProcessorsIsReadWithoutWhatWasIdle() {
    assertEquals(
        (100 + 2 + 30 + 5 + 6 + 7) / 100.0,
        HostWatch.busySeconds("cpu  100 2 30 4000 500 5 6 7 88 0"),
        1e-9);
    assertEquals(-1, HostWatch.busySeconds(null));
    assertEquals(-1, HostWatch.busySeconds("intr 17"));
  }

  private static Moment moment(double late, double busy, double own) {
    return new Moment((long) 1e9, (long) (late * 1e9), busy, own);
  }

  private static boolean disturbed(double late, double busy, double own) {
    Moment begin = new Moment(0, 0, busy < 0 ? -1 : 0, 0);
    return HostWatch.disturbed(begin, moment(late, busy, own), 2);
  }

  @Test
  void aWindowIsDisturbedByOthersAndNotByThisProcess() {
    assertFalse(disturbed(0.1, 1.9, 1.8), "nearly all was ours");
    assertTrue(disturbed(0, 1.9, 0.5), "others had 1.4 of 2 seconds");
    assertFalse(disturbed(0, 1.9, 1.2), "others had a third");
    assertTrue(disturbed(0.3, 0.4, 0.3), "the host stood still");
    assertTrue(disturbed(0.3, -1, 0.3), "without /proc/stat as well");
    assertFalse(disturbed(0.3, 1.95, 1.9), "it has kept itself waiting");
  }

  private static @Nullable Part part(String... classes) {
    StackTraceElement[] stack = new StackTraceElement[classes.length];
    for (int i = 0; i < classes.length; i++) {
      stack[i] = new StackTraceElement(classes[i], "m", null, 1);
    }
    return StackSample.part(stack);
  }

  @Test
  void aStackIsThatOfTheInnermostClassOfOurs() {
    assertEquals(
        Part.ENGINE, part("duality.processor.interpreter.Run", "duality.kernel.core.Processors"));
    assertEquals(Part.CORE, part("java.lang.Thread", "duality.kernel.core.Processors"));
    assertEquals(Part.SERVERS, part("java.lang.String", "duality.uart.Uart", "duality.kernel.X"));
    assertNull(part("java.lang.Thread", "duality.shell.lab.NanoGuest", "duality.kernel.core.X"));
    assertNull(part("java.lang.Thread"));
  }

  @Test
  void threadsThatCanPayAreThoseOfTheProcessorsAndOfTheGuest() {
    for (String name :
        List.of(
            "duality processor host 3",
            "duality worker vm/a/blk0:queues",
            "duality worker vm/a:rounds",
            "vm/a/store0:io1")) {
      assertTrue(DialedWork.pays(name, "vm/a"), name);
    }
    for (String name :
        List.of(
            "duality worker vm/ab/blk0:queues", "vm/b/store0:io1", "main", "duality watchdog")) {
      assertFalse(DialedWork.pays(name, "vm/a"), name);
    }
  }

  @Test
  void theMedianIsTheOneInTheMiddle() {
    double[] odd = {9, 1, 5};
    assertEquals(5, DialedWork.median(odd));
    assertEquals(9, odd[0], "what is given stays as it is");
    assertEquals(3, DialedWork.median(new double[] {5, 1, 100, 1}));
  }

  @Test
  void timeOfAThreadIsWhatItBurnt() {
    ThreadTimes none = new ThreadTimes(Map.of(1L, 100L, 2L, 7L));
    assertEquals(30 + 4, new ThreadTimes(Map.of(1L, 130L, 3L, 4L)).since(none));
    String name = Thread.currentThread().getName();
    ThreadTimes before = ThreadTimes.now(name::equals);
    long begun = ThreadTimes.own();
    while (ThreadTimes.own() - begun < 20_000_000) {
      Thread.onSpinWait();
    }
    long spent = ThreadTimes.now(name::equals).since(before);
    assertTrue(spent >= 20_000_000, () -> spent + " ns");
    assertTrue(ThreadTimes.now("nobody"::equals).nanos().isEmpty());
  }

  @Test
  @Timeout(120)
  void aConsoleIsCalledThroughASocketUntilTheCallerGoes(@TempDir Path folder) throws Exception {
    AtomicLong position = new AtomicLong(41);
    Console console = new StillConsole(position);
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("s"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      SocketChannel far = SocketChannel.open(address);
      FutureTask<Integer> serving =
          new FutureTask<>(
              () -> {
                try (SocketChannel near = server.accept()) {
                  FarConsole.serve(near, console);
                }
                return 0;
              });
      Thread.ofPlatform().daemon().start(serving);
      try (far) {
        assertEquals(41, FarConsole.call(far));
        position.set(Long.MIN_VALUE + 5);
        assertEquals(Long.MIN_VALUE + 5, FarConsole.call(far));
      }
      assertEquals(0, serving.get(), "it ends when the caller has gone");
    }
  }

  /** One that nobody uses. */
  private record StillConsole(AtomicLong at) implements Console {
    @Override
    public void written(String bytes) {}

    @Override
    public String input(int most) {
      return "";
    }

    @Override
    public int type(String bytes) {
      return 0;
    }

    @Override
    public long position() {
      return at.get();
    }

    @Override
    public long oldest() {
      return 0;
    }

    @Override
    public String output(long from, int most, long timeoutMillis) {
      return "";
    }
  }

  @Test
  void theScriptHasAsManyRoundsAsAsked() {
    assertEquals("for i in 1 2 3; do " + Workbench.SCRIPT_ROUND + "; done", Workbench.script(3));
  }

  @Test
  void tablesOfAnExperimentAreInItsRecord() {
    Experiment any = LabCommands.EXPERIMENTS.getFirst();
    Map<String, Object> record = LabRecord.predicted(any, 1, Instant.EPOCH);
    LabRecord.measured(
        record,
        new Result(List.of(), "no", Map.of("lines", List.of(new Line(1, 2, 3)))),
        Instant.EPOCH);
    assertTrue(Json.write(record).contains("\"slope\": 2.0"), () -> Json.write(record));
  }
}
