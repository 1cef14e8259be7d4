package duality.processor.interpreter;

import java.nio.file.Path;

/** Builds and runs the programs of {@code src/test/programs}. */
final class GuestProgram {
  private static final Path SOURCES = Path.of("src/test/programs");

  private GuestProgram() {}

  /** The ELF file of a program in {@code folder}. */
  static Path build(Path folder, String name) throws Exception {
    Path elf = folder.resolve(name);
    Tool.run(
        "riscv64-linux-gnu-gcc",
        "-march=rv64gc",
        "-mabi=lp64d",
        "-mcmodel=medany",
        "-O1",
        "-ffreestanding",
        "-fno-pic",
        "-static",
        "-nostdlib",
        "-Wl,--build-id=none,-N,--no-warn-rwx-segments",
        "-T",
        SOURCES.resolve("program.ld").toString(),
        SOURCES.resolve("start.S").toString(),
        SOURCES.resolve(name + ".c").toString(),
        "-o",
        elf.toString());
    return elf;
  }

  /** What a program prints on QEMU. */
  static byte[] onQemu(Path elf) throws Exception {
    return Tool.run(
        "qemu-system-riscv64",
        "-M",
        "virt",
        "-m",
        "32M",
        "-cpu",
        "rv64,zba=on,zbb=on,zbc=on,zbs=on,h=off,sstc=on",
        "-nographic",
        "-bios",
        "none",
        "-kernel",
        elf.toString());
  }
}
