package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Debian's OpenSBI and U-Boot (packages {@code opensbi} and {@code u-boot-qemu}) on this machine:
 * what they print, up to the first lines of Linux. Skipped where the packages are not installed and
 * {@code -Dduality.firmware=FOLDER} names none ({@code bench/firmware.sh} fills one), or where the
 * Linux image was never fetched.
 */
@Timeout(900)
class FirmwareTranscriptTest {
  private static final long SECONDS = 300;
  private static final long MEBIBYTE = 1 << 20;

  @TempDir private Path folder = Path.of("");

  private static Path installed(String path) {
    for (String root : List.of(System.getProperty("duality.firmware", ""), "/")) {
      Path file = Path.of(root).resolve(path.substring(1));
      if (!root.isEmpty() && Files.isRegularFile(file)) {
        return file;
      }
    }
    Assumptions.abort(path + " is not there (Debian: opensbi, u-boot-qemu); skipped");
    throw new AssertionError();
  }

  private static Path openSbi() {
    return installed("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin");
  }

  private static Path uBoot() {
    return installed("/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf");
  }

  private static Path linux() throws IOException {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path root =
        (cache == null ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache))
            .resolve("duality/linux");
    if (Files.isDirectory(root)) {
      try (Stream<Path> all = Files.walk(root)) {
        List<Path> found =
            all.filter(file -> file.getFileName().toString().matches("Image|vmlinux.*")).toList();
        if (!found.isEmpty()) {
          return found.getFirst();
        }
      }
    }
    Assumptions.abort("the image 'linux' was never fetched (guest:fetch linux); skipped");
    throw new AssertionError();
  }

  @FunctionalInterface
  private interface Dialogue {
    void with(Rig rig, Console console);
  }

  private static void run(Map<String, String> config, String state, Dialogue dialogue) {
    Map<String, String> all = new HashMap<>(config);
    all.put("memory", Long.toString(256 * MEBIBYTE));
    all.put("agent", "false");
    try (Rig rig = new Rig(1, 512 * MEBIBYTE)) {
      VirtualMachine machine = rig.machine("a", all);
      machine.start();
      Console console = rig.console("a");
      dialogue.with(rig, console);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!machine.report().state().equals(state) && System.nanoTime() - end < 0) {
        console.output(Long.MAX_VALUE, 1, 10);
      }
      assertEquals(state, machine.report().state());
    }
  }

  private static void contains(String text, String... parts) {
    int from = 0;
    for (String part : parts) {
      int at = text.indexOf(part, from);
      assertTrue(at >= 0, "no '" + part + "' in its place in:\n" + text);
      from = at + part.length();
    }
  }

  @Test
  void openSbiStartsAKernel() throws Exception {
    Path kernel = folder.resolve("nano.elf");
    try (InputStream in = FirmwareTranscriptTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(in != null, "nano.elf is on the class path");
      Files.copy(in, kernel);
    }
    run(
        Map.of("firmware", openSbi().toString(), "kernel", kernel.toString()),
        "stopped",
        (rig, console) -> {
          String printed = rig.await(console, 0, "nano: ready", SECONDS);
          contains(
              printed,
              "OpenSBI v",
              "Platform HART Count       : 1",
              "Platform IPI Device       : aclint-mswi",
              "Platform Timer Device     : aclint-mtimer",
              "Platform Console Device   : uart8250",
              "Domain0 Next Address      : 0x0000000080200000",
              "Domain0 Next Mode         : S-mode",
              "Boot HART Base ISA        : rv64imafdc",
              "Boot HART PMP Count       : 16",
              "Boot HART PMP Granularity : 4",
              "nano: ready");
          long from = console.position();
          console.type("sum 1000\r");
          rig.await(console, from, "sum 1000 = 0x9ac7455483036aca", SECONDS);
          console.type("off\r");
        });
  }

  @Test
  void openSbiStartsLinux() throws Exception {
    run(
        Map.of(
            "firmware",
            openSbi().toString(),
            "kernel",
            linux().toString(),
            "append",
            "earlycon=sbi console=ttyS0 panic=-1"),
        "running",
        (rig, console) ->
            contains(
                rig.await(console, 0, "Memory:", SECONDS),
                "OpenSBI v",
                "Linux version",
                "SBI implementation ID=0x1",
                "SBI TIME extension detected",
                "Memory:"));
  }

  @Test
  void uBootReadsLinuxFromADiskAndStartsIt() throws Exception {
    Path disk = folder.resolve("disk");
    Path image = linux();
    Files.copy(image, disk);
    long sectors = (Files.size(disk) + 511) / 512;
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(sectors * 512);
    }
    run(
        Map.of(
            "firmware",
            openSbi().toString(),
            "kernel",
            uBoot().toString(),
            "disk0",
            disk.toString()),
        "running",
        (rig, console) -> {
          contains(
              rig.await(console, 0, "Hit any key", SECONDS),
              "OpenSBI v",
              "U-Boot 20",
              "CPU:   rv64imafdc",
              "DRAM:  256 MiB");
          console.type("\r");
          rig.await(console, 0, "=> ", SECONDS);
          long from = console.position();
          console.type("virtio scan; virtio info\r");
          contains(rig.await(console, from, "=> ", SECONDS), "Device 0:", "VirtIO Block Device");
          from = console.position();
          console.type("virtio read 84000000 0 " + Long.toHexString(sectors) + "\r");
          contains(rig.await(console, from, "=> ", SECONDS), "blocks read: OK");
          from = console.position();
          console.type("setenv bootargs earlycon=sbi console=ttyS0 panic=-1\r");
          rig.await(console, from, "=> ", SECONDS);
          from = console.position();
          console.type("booti 84000000 - ${fdtcontroladdr}\r");
          contains(
              rig.await(console, from, "Memory:", SECONDS),
              "Starting kernel",
              "Linux version",
              "Memory:");
        });
  }
}
