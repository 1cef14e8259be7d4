package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** Guest programs of the tests, assembled from the source beside them. */
public final class GuestSource {
  private GuestSource() {}

  /** An ELF file of {@code NAME.S} that begins at an address; skips the test without a tool. */
  static Path build(Path folder, String name, String address, String... definitions)
      throws IOException, InterruptedException {
    return build(folder, GuestSource.class, name, address, definitions);
  }

  /** The same with its source beside a class of somebody else. */
  public static Path build(
      Path folder, Class<?> beside, String name, String address, String... definitions)
      throws IOException, InterruptedException {
    Path source = folder.resolve(name + ".S");
    try (InputStream in = beside.getResourceAsStream(name + ".S")) {
      assertTrue(in != null, name);
      Files.write(source, in.readAllBytes());
    }
    Path elf = folder.resolve(name + ".elf");
    List<String> command = new ArrayList<>();
    command.add("riscv64-linux-gnu-gcc");
    command.addAll(List.of(definitions));
    command.addAll(
        List.of(
            "-march=rv64ima_zicsr_zifencei",
            "-mabi=lp64",
            "-nostdlib",
            "-static",
            "-fno-pic",
            "-Wl,--build-id=none,-N,--no-warn-rwx-segments",
            "-Ttext=" + address,
            "-o",
            elf.toString(),
            source.toString()));
    tool(command.toArray(String[]::new));
    return elf;
  }

  /** The same without its ELF header. */
  static Path flat(Path elf) throws IOException, InterruptedException {
    Path flat = elf.resolveSibling(elf.getFileName() + ".bin");
    tool(
        "riscv64-linux-gnu-objcopy",
        "-O",
        "binary",
        "-j",
        ".text",
        elf.toString(),
        flat.toString());
    return flat;
  }

  private static void tool(String... command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).inheritIO().start();
    } catch (IOException missing) {
      if ("true".equals(System.getenv("CI"))) {
        throw missing;
      }
      Assumptions.abort(command[0] + " is not installed; skipped");
      throw missing;
    }
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), command[0] + " hangs");
    assertEquals(0, process.exitValue(), "exit status of " + command[0]);
  }
}
