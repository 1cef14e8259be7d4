package duality.personality.rc4000;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.servers.Personality;
import duality.servers.Swapper;
import duality.servers.TaskReport;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program of {@code src/programs} on the whole system: interpreter, core, root, pager. */
@Timeout(600)
class NucleusTaskTest {
  @TempDir private Path folder;
  private final TestSystem system = new TestSystem();

  @AfterEach
  void everythingIsGivenBack() {
    for (String path : system.root.paths(Personality.class)) {
      system.root.remove(path);
    }
    system.assertNothingLeaks();
    system.close();
  }

  private String run(String words) {
    TaskReport report = TestSystem.run(system.task("1", words, Map.of()));
    String output = system.output("1");
    assertEquals(0, report.status(), () -> report + "\n" + output);
    assertEquals("", report.reason());
    assertEquals(0, report.unserved());
    return output;
  }

  @Test
  void twoPoliciesRunBesideEachOtherOverTheSameNucleus() {
    String output = run("systems 4");
    assertTrue(
        output.contains(
            "batch, first in first out: 4 of 4 jobs right, 4 starts, ended in the order 1234"),
        output);
    Matcher robin =
        Pattern.compile("robin, slices of 1 ms: 4 of 4 jobs right, (\\d+) starts").matcher(output);
    assertTrue(robin.find(), output);
    assertTrue(Integer.parseInt(robin.group(1)) > 4, "jobs took turns: " + output);
  }

  @Test
  void whoCallsARemovedProcessGetsADummyAnswer() {
    assertTrue(run("dummy 8").contains("8 of 8 callers of a removed process got a dummy answer"));
  }

  @Test
  void manyProcessesComeAndGoAndNoBufferIsLost() {
    String output = run("chaos 200");
    assertTrue(output.contains("220 processes were made and removed; 64 of 64 buffers"), output);
  }

  @Test
  void aChildThatReachesOutOfItsStorageIsStoppedAndItsParentHears() {
    assertTrue(run("fault").contains("intruder: fault 15 at address 0x20000"));
  }

  @Test
  void conversationsGoOnOverSwapsOfTheNucleus() {
    Personality task = system.task("1", "count 3000 systems", Map.of());
    task.start();
    Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
    int swaps = 0;
    while (!task.await(1).ended()) {
      String next = swaps % 2 == 0 ? "personality.next" : "personality.rc4000";
      assertEquals("done", swapper.swap("task/1", next).outcome());
      swaps++;
      if (swaps % 3 == 0) {
        swapper.swap("task/1/pager", swaps % 2 == 0 ? "pager.demand" : "pager.pinned");
      }
    }
    String output = system.output("1");
    assertEquals(0, task.report().status(), output);
    assertTrue(output.contains("3000 messages and 188 waits for the clock, none lost"), output);
    assertTrue(output.contains("systems: well"), output);
    assertTrue(swaps > 3, swaps + " swaps");
  }

  @Test
  void itWorksInRoundsThatAreTypedAlsoOverSwapsWhileItReads() {
    Personality task = system.task("1", "rounds", Map.of());
    task.start();
    Console console = system.core.kernel().connect("task/1/console", Console.class);
    Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
    for (int round = 1; round <= 6; round++) {
      awaitOutput("\r\n> ", round);
      String next = round % 2 == 0 ? "personality.rc4000" : "personality.next";
      assertEquals("done", swapper.swap("task/1", next).outcome());
      assertEquals(1, console.type("1"));
      assertEquals(2, console.type(round + "\r"));
    }
    awaitOutput("\r\n> ", 7);
    String output = system.output("1");
    for (int round = 1; round <= 6; round++) {
      assertTrue(output.contains("> done 1" + round + " pages at"), output);
    }
    assertEquals(2, console.type("q\r"));
    assertEquals(0, TestSystem.awaitEnd(task).status(), () -> system.output("1"));
  }

  @Test
  void aTaskThatReadsIsStopped() {
    Personality task = system.task("1", "rounds", Map.of());
    task.start();
    awaitOutput("> ", 1);
    task.stop();
    assertEquals(137, task.report().status());
    Console console = system.core.kernel().connect("task/1/console", Console.class);
    assertEquals(2, console.type("1\r"));
    assertEquals("exited", task.report().state());
  }

  private void awaitOutput(String text, int times) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (system.output("1").split(text, -1).length <= times) {
      assertTrue(
          System.nanoTime() - end < 0, () -> "'" + text + "' is missing: " + system.output("1"));
      Thread.onSpinWait();
    }
  }

  @Test
  void whoDoesWrongEndsTheTask() throws IOException {
    assertEquals(1, TestSystem.run(system.task("1", "nonsense", Map.of())).status());
    // The first instruction of the program is made an illegal one.
    byte[] elf;
    try (InputStream built = NucleusTask.class.getResourceAsStream("systems.elf")) {
      elf = built.readAllBytes();
    }
    int code =
        (int) java.nio.ByteBuffer.wrap(elf).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong(64 + 8);
    Arrays.fill(elf, code, code + 4, (byte) 0);
    Path wrong = Files.write(folder.resolve("wrong"), elf);
    TaskReport report = TestSystem.run(system.task("2", "fault", Map.of("file", wrong.toString())));
    assertEquals(132, report.status());
    assertTrue(report.reason().contains("exception 2"), report.reason());
  }

  @Test
  void aTaskIsStoppedWithAllItsProcesses() {
    Personality task = system.task("1", "chaos 1000000", Map.of());
    task.start();
    assertEquals("running", task.await(50).state());
    task.stop();
    assertEquals(137, task.report().status());
    task.stop();
    task.start();
    assertEquals("exited", task.report().state());
  }

  @Test
  void aRunningTaskIsRemovedWithAllItHas() {
    Personality task = system.task("1", "systems 9", Map.of());
    task.start();
    assertEquals("running", task.await(20).state());
    system.root.remove("task/1");
    system.assertNothingLeaks();
  }

  @Test
  void thePoolIsAsLargeAsConfigured() {
    TaskReport report =
        TestSystem.run(system.task("1", "chaos 20", Map.of("buffers", "40", "processes", "21")));
    assertEquals(0, report.status(), system.output("1"));
    assertTrue(system.output("1").contains("40 of 40 buffers"), system.output("1"));
    TaskReport tooFew =
        TestSystem.run(system.task("2", "chaos 20", Map.of("buffers", "40", "processes", "10")));
    assertEquals(1, tooFew.status(), "there is no room for all processes");
  }

  @Test
  void whatCannotBeRunIsRefused() throws IOException {
    Path text = Files.writeString(folder.resolve("text"), "no program".repeat(20));
    for (String file : new String[] {text.toString(), folder.toString(), "missing"}) {
      CallFailed.BadRequest refused =
          assertThrows(
              CallFailed.BadRequest.class, () -> system.task("1", "", Map.of("file", file)));
      assertTrue(refused.getMessage().contains("cannot be run"), refused.getMessage());
    }
    for (String key : new String[] {"memory", "buffers", "processes"}) {
      for (String wrong : new String[] {"", "-1", "0", "99999999999999999999"}) {
        assertThrows(
            CallFailed.BadRequest.class, () -> system.task("1", "fault", Map.of(key, wrong)));
      }
    }
  }
}
