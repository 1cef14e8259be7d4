package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.ThreadReport;
import duality.servers.Personality;
import duality.servers.Swapper;
import duality.servers.TaskReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs of a few instructions on the whole system: interpreter, core, root, pager, console. */
@Timeout(600)
class TaskTest {
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

  private TaskReport run(TinyProgram program) throws IOException {
    return TestSystem.run(system.task("1", program.write(folder, "")));
  }

  @Test
  void aProgramPrintsAndEnds() throws IOException {
    TinyProgram program = new TinyProgram();
    program.call(64, 1, TinyProgram.textAddress(17), 12).call(172).exit(7);
    TaskReport report = TestSystem.run(system.task("1", program.write(folder, "hello, core\n")));
    assertEquals("hello, core\n", system.output("1"));
    assertEquals("exited", report.state());
    assertEquals(7, report.status());
    assertEquals("", report.reason());
    assertEquals(3, report.calls());
    assertEquals(0, report.unserved());
    assertEquals("task/1", report.name());
    assertTrue(report.residentBytes() >= 2 * 4096, "code and stack: " + report);
    assertTrue(report.instructions() >= 15, report.toString());
    ThreadReport thread = system.core.threads().getFirst();
    assertEquals(3, thread.calls() - thread.faults(), "each call is one IPC to the personality");
    assertEquals(0, system.core.spaces().getFirst().mappedPages(), "memory goes back at the end");
  }

  @Test
  void beforeTheStartNothingRuns() throws IOException {
    Personality task = system.task("1", new TinyProgram().exit(3).write(folder, ""));
    assertEquals("created", task.await(1).state());
    assertEquals(-1, task.report().status());
    TestSystem.run(task);
    task.start();
    assertEquals(3, task.report().status(), "starting again changes nothing");
  }

  @Test
  void faultsAndIllegalInstructionsEndItWithASignal() throws IOException {
    Object[][] programs = {
      {new TinyProgram().word(0), 132, "illegal instruction at pc 0x100b0"},
      {new TinyProgram().word(0x30200073), 132, "illegal instruction"}, // mret
      {new TinyProgram().word(0x00100073), 133, "breakpoint at pc 0x100b0"},
      {new TinyProgram().li(5, 16).word(0x0002b023), 139, "store to 0x10 at pc 0x100b8"},
      {new TinyProgram().li(5, 0x7000_0000).word(0x0002b303), 139, "load from 0x70000000"},
      {new TinyProgram().li(5, 0x5000).word(0x00028067), 139, "instruction fetch from 0x5000"},
    };
    for (Object[] each : programs) {
      TaskReport report = run((TinyProgram) each[0]);
      assertEquals(each[1], report.status(), report.toString());
      assertTrue(report.reason().contains((String) each[2]), report.reason());
      assertTrue(
          system.core.trace().stream().anyMatch(line -> line.contains((String) each[2])),
          "it is in the log");
      system.root.remove("task/1");
    }
  }

  @Test
  void codeThatMayNotBeWrittenIsNotWritten() throws IOException {
    TinyProgram program = new TinyProgram().li(5, 0x10000).word(0x0002b023);
    program.rights = 5;
    TaskReport report = run(program);
    assertEquals(139, report.status());
    assertTrue(report.reason().contains("store to 0x10000"), report.reason());
  }

  @Test
  void aCallThatIsNotThereIsEnosysCountedAndLoggedOnce() throws IOException {
    TinyProgram program = new TinyProgram();
    program.call(280).call(280).call(4000).call(-5).exitWithAnswer(true);
    TaskReport report = run(program);
    assertEquals(38, report.status(), "ENOSYS");
    assertEquals(4, report.unserved());
    assertEquals(
        1, system.core.trace().stream().filter(l -> l.contains("system call 280")).count());
  }

  @Test
  void yieldGoesOnBehindTheCall() throws IOException {
    TinyProgram program = new TinyProgram();
    for (int i = 0; i < 50; i++) {
      program.call(124);
    }
    assertEquals(9, run(program.exit(9)).status());
  }

  @Test
  void aLoopIsStopped() throws IOException {
    Personality task = system.task("1", new TinyProgram().word(0x6f).write(folder, "")); // j .
    task.start();
    assertEquals("running", task.await(20).state());
    task.stop();
    TaskReport report = task.report();
    assertEquals(137, report.status());
    assertEquals("it was stopped", report.reason());
    task.stop();
    task.start();
    assertEquals(report.status(), task.report().status());
  }

  @Test
  void aLoopIsRemovedWithAllItHas() throws IOException {
    system.task("1", new TinyProgram().word(0x6f).write(folder, "")).start();
    system.root.remove("task/1");
    system.assertNothingLeaks();
  }

  @Test
  void memoryBeyondTheLimitIsRefusedBeforeItIsTouched() throws IOException {
    TinyProgram program = new TinyProgram();
    program.bss = 30 << 20;
    Path file = program.exit(0).write(folder, "");
    CallFailed.BadRequest refused =
        assertThrows(
            CallFailed.BadRequest.class,
            () -> system.task("1", file, Map.of("memory", "" + (16 << 20))));
    assertTrue(refused.getMessage().contains("may use 16384 KiB"), refused.getMessage());
    assertEquals(0, TestSystem.run(system.task("2", file, Map.of())).status());
  }

  @Test
  void whatCannotBeRunIsSaidAndNothingIsLeft() throws IOException {
    Path text =
        Files.writeString(
            folder.resolve("text"), "not a program at all, but long enough".repeat(9));
    for (Path wrong : new Path[] {text, folder, folder.resolve("missing")}) {
      CallFailed.BadRequest refused =
          assertThrows(CallFailed.BadRequest.class, () -> system.task("1", wrong));
      assertTrue(refused.getMessage().contains(wrong.toString()), refused.getMessage());
      system.assertNothingLeaks();
    }
    Path good = new TinyProgram().exit(0).write(folder, "");
    for (String memory : new String[] {"", "lots", "-1", "0", "999999999999999"}) {
      assertThrows(
          CallFailed.BadRequest.class,
          () -> system.task("1", good, Map.of("memory", memory)),
          "memory=" + memory);
    }
  }

  @Test
  void aProgramGoesOnUnderAnotherPersonality() throws IOException {
    // Counts down from 30,000,000 with a system call each 1000 rounds, so that swaps fall anywhere.
    TinyProgram program = new TinyProgram().li(8, 30_000);
    int outer = 0;
    program.li(9, 1_000);
    program.word(0xfff48493).word(0xfe049ee3); // addi s1, s1, -1; bnez s1, -4
    program.call(172); // getpid
    program.word(0xfff40413); // addi s0, s0, -1
    int back = -4 * 8;
    program.word(branchNotZero(8, back));
    program.call(64, 1, TinyProgram.textAddress(25), 5).exit(4);
    Personality task = system.task("1", program.write(folder, "done\n"));
    task.start();
    Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
    int swaps = 0;
    for (int i = 0; !task.await(1).ended() && i < 10_000; i++) {
      Swapper.Swap swap =
          swapper.swap("task/1", i % 2 == 0 ? "personality.next" : "personality.linux");
      assertEquals("done", swap.outcome());
      swaps++;
      if (i % 3 == 0) {
        swapper.swap("task/1/pager", i % 2 == 0 ? "pager.pinned" : "pager.demand");
      }
    }
    TaskReport report = TestSystem.awaitEnd(task);
    assertEquals(4, report.status(), report.toString());
    assertEquals(30_002, report.calls(), "no call lost, none served twice; " + swaps + " swaps");
    assertEquals("done\n", system.output("1"));
    assertTrue(swaps > 3, swaps + " swaps");
  }

  private static int branchNotZero(int register, int offset) {
    return (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3f) << 25
        | register << 15
        | 1 << 12
        | (offset >> 1 & 0xf) << 8
        | (offset >> 11 & 1) << 7
        | 0x63;
  }

  @Test
  void trapsOfOtherThreadsAndDevicesAreBadRequests() throws IOException {
    Personality task = system.task("1", new TinyProgram().exit(0).write(folder, ""));
    assertThrows(CallFailed.BadRequest.class, () -> task.trap(99, 8, 0));
    assertThrows(CallFailed.BadRequest.class, () -> task.load(1, 0, 8));
    assertThrows(CallFailed.BadRequest.class, () -> task.store(1, 0, 8, 0));
  }

  @Test
  void aTaskHoldsTheStoreOfItsDiskAlsoWhenNothingIsAskedOfIt() throws IOException {
    Path disk = Files.write(folder.resolve("disk"), new byte[4096]);
    Path file = new TinyProgram().exit(3).write(folder, "");
    Personality task = system.task("1", file, Map.of("disk", disk.toString()));
    assertStoreIsHeld();
    Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
    assertEquals("done", swapper.swap("task/1", "personality.next").outcome());
    assertStoreIsHeld();
    assertEquals(3, TestSystem.run(task).status());
    assertEquals("done", swapper.swap("task/1", "personality.linux").outcome());
    assertEquals(
        List.of(),
        system.core.endpoints().stream().filter(e -> e.path().endsWith("/store")).toList(),
        "nobody makes it again after the end");
  }

  /** What nobody refers to is collected first, and is no capability then. */
  private void assertStoreIsHeld() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    assertTrue(
        system.core.capabilities().stream()
            .anyMatch(
                each ->
                    each.holder().equals("task/1")
                        && each.target().equals("task/1/store")
                        && each.call()),
        () -> "no capability to the store: " + system.core.capabilities());
  }
}
