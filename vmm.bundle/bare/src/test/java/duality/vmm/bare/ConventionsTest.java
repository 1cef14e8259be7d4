package duality.vmm.bare;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.processor.interpreter.Interpreter;
import duality.vmm.BareRunner;
import duality.vmm.BareRunner.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ways in which programs lie in their files and say that they have ended. */
class ConventionsTest {
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final long BASE = 0x8000_0000L;
  private static final int T0 = 5;
  private static final int T1 = 6;
  private static final int LOOP = 0x6f;
  private static final int NOP = 0x13;
  private static final Outcome PASSED = new Outcome.Passed();

  @TempDir Path folder;

  private final BareRunner runner = new BareRunnerService(new Interpreter());

  private Outcome run(ElfFile elf) throws IOException {
    Path file = folder.resolve("program");
    Files.write(file, elf.bytes());
    return runner.run(file, LONG, () -> false).outcome();
  }

  private static int li(int register, int value) {
    return 0x13 | register << 7 | value << 20;
  }

  /** Loads an address of which bits 0 to 11 are zero; sign-extended. */
  private static int lui(int register, long value) {
    return 0x37 | register << 7 | (int) value;
  }

  private static int store(int width, int offset) {
    return 0x23 | width << 12 | T0 << 15 | T1 << 20 | (offset & 31) << 7 | offset >> 5 << 25;
  }

  /**
   * Stores {@code code} by {@code sw} or {@code sd} to a place, with no more than 32 bits in it.
   */
  private static int[] report(long place, int code, int width) {
    return new int[] {
      lui(T0, place + 0x800 & -4096),
      0x1b | T0 << 7 | T0 << 15, // sext.w
      0x0800_003b | T0 << 7 | T0 << 15, // zext.w
      li(T1, code),
      store(width, (int) (place << 52 >> 52)),
      LOOP
    };
  }

  @Test
  void theWordMayLieAnywhereInMemory() throws IOException {
    for (long place :
        new long[] {
          BASE + 0x400,
          BASE + 0x404,
          BASE + 0x1000,
          BASE + 0x7fc,
          BASE + 0x3000_0040L,
          BASE + 0x7fff_f040L,
          BASE + 0x1_0004,
          BASE + 0xffd8
        }) {
      for (int width : new int[] {2, 3}) {
        ElfFile elf = new ElfFile(BASE).segment(BASE, report(place, 1, width));
        assertEquals(PASSED, run(elf.symbol("tohost", place)), Long.toHexString(place));
        ElfFile failing = new ElfFile(BASE).segment(BASE, report(place, 2 * 5 + 1, width));
        assertEquals(new Outcome.Failed(5), run(failing.symbol("tohost", place)));
      }
    }
  }

  @Test
  void theWordMayBeARegisterOutsideOfMemory() throws IOException {
    for (long place : new long[] {0x4000_8000L, 0x1000, 0x6000_0008L}) {
      for (int width : new int[] {2, 3}) {
        ElfFile elf = new ElfFile(BASE).segment(BASE, report(place, 2 * 9 + 1, width));
        assertEquals(
            new Outcome.Failed(9), run(elf.symbol("tohost", place)), Long.toHexString(place));
      }
    }
  }

  @Test
  void theSectionOrTheUsualPlaceWillDo() throws IOException {
    int[] code = report(BASE + 0x1000, 1, 2);
    assertEquals(PASSED, run(new ElfFile(BASE).segment(BASE, code)), "stripped");
    assertEquals(
        PASSED, run(new ElfFile(BASE).segment(BASE, code).section(".tohost", BASE + 0x1000)));
    int[] elsewhere = report(BASE + 0x2000, 1, 2);
    assertEquals(
        PASSED, run(new ElfFile(BASE).segment(BASE, elsewhere).section(".tohost", BASE + 0x2000)));
    assertEquals(
        PASSED,
        run(new ElfFile(BASE).segment(BASE, elsewhere).dynamic().symbol("tohost", BASE + 0x2000)));
  }

  @Test
  void aNegativeCodeIsAFailure() throws IOException {
    // li t1, -1: all 64 bits, as (code << 1) | 1 of a negative code.
    ElfFile elf = new ElfFile(BASE).segment(BASE, report(BASE + 0x400, -1, 3));
    assertEquals(new Outcome.Failed(-1), run(elf.symbol("tohost", BASE + 0x400)));
  }

  @Test
  void theEntryMayBeAnywhere() throws IOException {
    int[] code = report(BASE + 0x400, 1, 2);
    ElfFile later = new ElfFile(BASE + 0x2_0000).segment(BASE, LOOP);
    assertEquals(
        PASSED, run(later.segment(BASE + 0x2_0000, code).symbol("tohost", BASE + 0x400)), "later");
    ElfFile odd = new ElfFile(BASE + 0x2002).segment(BASE + 0x2000, shifted(code));
    assertEquals(PASSED, run(odd.symbol("tohost", BASE + 0x400)), "at a halfword");
    long high = 0xffff_ffff_8000_0000L;
    ElfFile extended = new ElfFile(high).segment(high, high, code);
    assertEquals(PASSED, run(extended.symbol("tohost", high + 0x400)), "sign-extended");
    ElfFile virtual = new ElfFile(0x1000).segment(0x1000, BASE, code);
    assertEquals(PASSED, run(virtual.symbol("tohost", BASE + 0x400)), "linked elsewhere");
    ElfFile empty = new ElfFile(BASE).zeros(BASE + 0x10_0000, 0x100_0000).segment(BASE, code);
    assertEquals(PASSED, run(empty.symbol("tohost", BASE + 0x400)), "with memory of zeros");
  }

  /** The words, half a word later. */
  private static int[] shifted(int[] words) {
    int[] shifted = new int[words.length + 1];
    shifted[0] = 1 | words[0] << 16; // c.nop
    for (int i = 1; i <= words.length; i++) {
      int next = i < words.length ? words[i] : NOP;
      shifted[i] = words[i - 1] >>> 16 | next << 16;
    }
    return shifted;
  }

  @Test
  void severalHundredInOneJvm() throws IOException {
    Path file = folder.resolve("program");
    for (int n = 1; n <= 600; n++) {
      int code = n % 1000;
      ElfFile elf = new ElfFile(BASE).segment(BASE, report(BASE + 0x400, 2 * code + 1, 3));
      Files.write(file, elf.symbol("tohost", BASE + 0x400).bytes());
      assertEquals(new Outcome.Failed(code), runner.run(file, LONG, () -> false).outcome());
    }
  }
}
