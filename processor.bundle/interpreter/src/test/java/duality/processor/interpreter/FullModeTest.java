package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Programs in machine mode (src/test/programs) print what they see of traps, page tables and
 * interrupts; on {@code qemu-system-riscv64} they must print the same.
 */
class FullModeTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"exceptions", "paging", "interrupts", "legal"})
  void engineAndQemuPrintTheSame(String program) throws Exception {
    Tool.require("riscv64-linux-gnu-gcc", "qemu-system-riscv64");
    Path elf = GuestProgram.build(folder, program);
    byte[] expected = GuestProgram.onQemu(elf);
    String actual = BareMachine.run(Files.readAllBytes(elf));
    assertEquals(new String(expected, StandardCharsets.ISO_8859_1), actual);
  }

  /**
   * What the fields of registers accept, and protection and page tables at their corners: the
   * programs know what the specification wants, and print what is otherwise.
   */
  @ParameterizedTest
  @ValueSource(strings = {"fields", "protection"})
  void everyExpectationIsMet(String program) throws Exception {
    Tool.require("riscv64-linux-gnu-gcc");
    String printed = BareMachine.run(Files.readAllBytes(GuestProgram.build(folder, program)));
    assertTrue(printed.matches("expectations [1-9a-f][0-9a-f]+\nnot met 0\n"), printed);
  }

  /** Points in which QEMU 7.2 does not do what the specification says. */
  @Test
  void specificationHoldsWhereQemuDiffers() throws Exception {
    Tool.require("riscv64-linux-gnu-gcc");
    assertEquals(
        """
        mepc 80000002
        sepc 80000006
        mpp 800
        amoadd.d a0, a0, (a0): 7 tval 20000
        amoadd.d a0, a0, (a0): 6 tval 80000004
        lr.d a0, (a0): 4 tval 80000004
        sc.w a0, a0, (a0): 6 tval 80000002
        csrs mstatus, a1
        ld a0, 0(a0): 5 tval 40020000
        csrs mstatus, a1
        sd a0, 0(a0): 7 tval 40020000
        fetch 1
        csrs mstatus, a1
        ld a0, 0(a0): 5 tval c0020000
        csrs mstatus, a1
        sd a0, 0(a0): 7 tval c0020000
        fetch 1
        cause 3
        mprv 0
        interrupt 9
        interrupt 1
        interrupt 5
        minstret 3e8
        still 0
        counted 4
        """,
        BareMachine.run(Files.readAllBytes(GuestProgram.build(folder, "specification"))));
  }
}
