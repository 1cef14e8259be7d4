package duality.vmm.bare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.processor.interpreter.Interpreter;
import duality.vmm.BareRunner;
import duality.vmm.BareRunner.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs in the conventions of the public RISC-V tests, run to their verdict. */
class BareRunnerTest {
  private static final Duration LONG = Duration.ofMinutes(2);

  @TempDir Path folder;

  private final BareRunner runner = new BareRunnerService(new Interpreter());

  private BareRunner.Run run(String program, Duration limit) throws Exception {
    return runner.run(Programs.build(folder, program), limit, () -> false);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "passes",
        "finishes",
        "timer",
        "registers",
        "protection",
        "paging",
        "blocks",
        "prints",
        "elsewhere"
      })
  void passes(String program) throws Exception {
    BareRunner.Run run = run(program, LONG);
    assertEquals(new Outcome.Passed(), run.outcome(), program);
    assertTrue(run.instructions() > 0, "instructions " + run.instructions());
  }

  @Test
  void harts() throws Exception {
    Path program = Programs.build(folder, "harts");
    for (int i = 0; i < 20; i++) {
      assertEquals(
          new Outcome.Passed(), runner.run(program, 4, LONG, () -> false).outcome(), "round " + i);
    }
    Outcome.Silent one =
        assertInstanceOf(
            Outcome.Silent.class,
            runner.run(program, 1, Duration.ofMillis(50), () -> false).outcome());
    assertTrue(one.why().startsWith("timeout"), one.why());
    Outcome.Silent two =
        assertInstanceOf(
            Outcome.Silent.class,
            runner.run(program, 2, Duration.ofMillis(50), () -> false).outcome());
    assertTrue(two.why().endsWith("on hart 0"), two.why());
  }

  @Test
  void tellsTheCode() throws Exception {
    assertEquals(new Outcome.Failed(21), run("fails", LONG).outcome());
    assertEquals(new Outcome.Failed(7), run("gives-up", LONG).outcome());
  }

  @Test
  void takesWhatIsPrinted() throws Exception {
    assertEquals("ABCD\n", run("prints", LONG).output());
  }

  @Test
  void hearsEachStoreAtOnce() throws Exception {
    BareRunner.Run run = run("halves", LONG);
    assertEquals(new Outcome.Failed(5), run.outcome(), "the first that it said");
    assertEquals("ABC", run.output());
  }

  @Test
  void endsWhatDoesNotEnd() throws Exception {
    Outcome.Silent hangs =
        assertInstanceOf(Outcome.Silent.class, run("hangs", Duration.ofMillis(50)).outcome());
    assertTrue(hangs.why().startsWith("timeout after 50ms at pc 0x80002"), hangs.why());
    Outcome.Silent waits = assertInstanceOf(Outcome.Silent.class, run("waits", LONG).outcome());
    assertTrue(waits.why().startsWith("it waits for an interrupt"), waits.why());
    Outcome.Silent lost = assertInstanceOf(Outcome.Silent.class, run("lost", LONG).outcome());
    assertTrue(lost.why().startsWith("exception 1 repeats itself"), lost.why());
  }

  @Test
  void canBeCancelled() throws Exception {
    Path program = Programs.build(folder, "hangs");
    int[] asked = {0};
    BareRunner.Run run = runner.run(program, LONG, () -> ++asked[0] > 3);
    assertEquals(new Outcome.Silent("cancelled"), run.outcome());
  }

  @Test
  void refusesWhatIsNoProgramForIt() throws Exception {
    Path file = folder.resolve("file");
    byte[] elf = Files.readAllBytes(Programs.build(folder, "passes"));
    assertEquals("it is no ELF file", refusal(file, "#!/bin/sh\n".getBytes()));
    assertFalse(runner.isElf(file));
    byte[] small = elf.clone();
    small[4] = 1;
    assertEquals("it is a 32-bit program (ELF32); this machine is RV64", refusal(file, small));
    assertTrue(runner.isElf(file));
    byte[] foreign = elf.clone();
    foreign[18] = 62;
    assertEquals("it is for machine 62, not for RISC-V (243)", refusal(file, foreign));
    byte[] outside = elf.clone();
    outside[24 + 3] = 0x10; // the entry
    assertEquals("its entry 0x10000000 is not in memory", refusal(file, outside));
  }

  private String refusal(Path file, byte[] bytes) throws Exception {
    Files.write(file, bytes);
    Outcome outcome = runner.run(file, LONG, () -> false).outcome();
    return assertInstanceOf(Outcome.Refused.class, outcome).why();
  }
}
