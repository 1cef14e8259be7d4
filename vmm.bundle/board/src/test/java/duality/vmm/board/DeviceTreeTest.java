package duality.vmm.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The writer of device trees, and the tree of the board as {@code dtc} reads it back. */
class DeviceTreeTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void aSmallTreeIsByteForByteWhatTheSpecificationSays() {
    byte[] tree = new DeviceTree().begin("").cells("a", 1).text("b", "x").end().toBytes();
    ByteBuffer words = ByteBuffer.wrap(tree);
    int[] header = {0xd00dfeed, 56 + 48 + 4, 56, 56 + 48, 40, 17, 16, 0, 4, 48};
    for (int i = 0; i < header.length; i++) {
      assertEquals(header[i], words.getInt(4 * i), "header word " + i);
    }
    assertEquals(0, words.getLong(40), "the list of reservations is empty");
    assertEquals(0, words.getLong(48), "the list of reservations is empty");
    int[] structure = {1, 0, 3, 4, 0, 1, 3, 2, 2, 'x' << 24, 2, 9};
    for (int i = 0; i < structure.length; i++) {
      assertEquals(structure[i], words.getInt(56 + 4 * i), "structure word " + i);
    }
    assertEquals("a\0b\0", new String(tree, 56 + 48, 4, StandardCharsets.US_ASCII), "names");
    assertEquals(56 + 48 + 4, tree.length);
  }

  @Test
  void whatIsNoTreeIsRefused() {
    assertThrows(IllegalStateException.class, () -> new DeviceTree().begin("").toBytes());
    assertThrows(IllegalStateException.class, () -> new DeviceTree().end());
    assertThrows(IllegalStateException.class, () -> new DeviceTree().flag("outside"));
    assertThrows(
        IllegalArgumentException.class, () -> new DeviceTree().begin("").text("a", "zero\0here"));
  }

  @Test
  void theBoardsTreeIsCleanForDtcAndSaysWhatWasAsked() throws Exception {
    byte[] tree =
        BoardTree.write(
            512L << 20,
            1,
            "console=ttyS0 quiet",
            new long[] {0x9000_0000L, 0x9100_0000L},
            0x81,
            new byte[64],
            false);
    String source = decompiled(tree);
    for (String line :
        new String[] {
          "bootargs = \"console=ttyS0 quiet\";",
          "linux,initrd-start = <0x00 0x90000000>;",
          "linux,initrd-end = <0x00 0x91000000>;",
          "stdout-path = \"/soc/serial@10000000\";",
          "memory@80000000 {",
          "reg = <0x00 0x80000000 0x00 0x20000000>;",
          "timebase-frequency = <0x989680>;",
          "riscv,isa = \"" + BoardTree.ISA + "\";",
          "riscv,isa-base = \"rv64i\";",
          "mmu-type = \"riscv,sv57\";",
          "plic@c000000 {",
          "serial@10000000 {",
          "virtio_mmio@10001000 {",
          "virtio_mmio@10008000 {",
          "rtc@101000 {",
          "test@100000 {",
          "compatible = \"syscon-poweroff\";",
          "compatible = \"syscon-reboot\";"
        }) {
      assertTrue(source.contains(line), "'" + line + "' is missing in\n" + source);
    }
    assertTrue(!source.contains("clint@"), "an interruptor nobody needs");
    assertTrue(!source.contains("virtio_mmio@10002000"), "a transport that is not there");
  }

  @Test
  void firmwareIsToldOfItsInterrupts() throws Exception {
    String source =
        decompiled(BoardTree.write(64L << 20, 1, "", new long[0], 0, new byte[0], true));
    assertTrue(source.contains("clint@2000000 {"), source);
    assertTrue(source.contains("interrupts-extended = <0x03 0x03 0x03 0x07>;"), source);
  }

  @Test
  void eachHartHasItsInterrupts() throws Exception {
    String source =
        decompiled(BoardTree.write(64L << 20, 4, "", new long[0], 0, new byte[0], true));
    for (int hart = 0; hart < 4; hart++) {
      assertTrue(source.contains("cpu@" + hart + " {"), source);
      assertTrue(source.contains("reg = <0x0" + hart + ">;"), source);
    }
    assertTrue(!source.contains("cpu@4"), source);
    String plic =
        "<0x03 0x0b 0x03 0x09 0x04 0x0b 0x04 0x09 0x05 0x0b 0x05 0x09 0x06 0x0b 0x06 0x09>";
    String clint =
        "<0x03 0x03 0x03 0x07 0x04 0x03 0x04 0x07 0x05 0x03 0x05 0x07 0x06 0x03 0x06 0x07>";
    assertTrue(source.contains("interrupts-extended = " + plic), source);
    assertTrue(source.contains("interrupts-extended = " + clint), source);
  }

  @Test
  void withoutInitrdNothingIsSaidAboutOne() throws Exception {
    String source =
        decompiled(BoardTree.write(64L << 20, 1, "", new long[0], 0, new byte[0], false));
    assertTrue(!source.contains("initrd"), source);
    assertTrue(!source.contains("virtio_mmio"), source);
  }

  /** What dtc makes of a tree; it must have nothing to complain about. */
  private String decompiled(byte[] tree) throws IOException, InterruptedException {
    Path file = folder.resolve("tree.dtb");
    Path out = folder.resolve("tree.dts");
    Path complaints = folder.resolve("complaints");
    Files.write(file, tree);
    Process dtc;
    try {
      dtc =
          new ProcessBuilder("dtc", "-I", "dtb", "-O", "dts", "-o", out.toString(), file.toString())
              .redirectErrorStream(true)
              .redirectOutput(complaints.toFile())
              .start();
    } catch (IOException missing) {
      if ("true".equals(System.getenv("CI"))) {
        throw missing;
      }
      Assumptions.abort("dtc is not installed (Debian: device-tree-compiler); skipped");
      throw missing;
    }
    assertTrue(dtc.waitFor(20, TimeUnit.SECONDS), "dtc hangs");
    assertEquals("", Files.readString(complaints, StandardCharsets.UTF_8), "complaints of dtc");
    assertEquals(0, dtc.exitValue(), "exit status of dtc");
    return Files.readString(out);
  }
}
