package duality.guests;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * What a machine needs to start one guest.
 *
 * @param kernel a file: a RISC-V ELF, or a flat Linux {@code Image} ("RISCV" at byte 0x30); the
 *     reader tells them apart by their first bytes
 * @param initrd a file to put in memory as initial RAM disk
 * @param commandLine the kernel's command line, to which a user's own words are appended; may be
 *     empty
 * @param memoryBytes memory that a machine gets when nobody says otherwise, in bytes
 * @param minimumMemoryBytes memory below which this guest is known not to start, in bytes
 * @param readyLine the guest is up when its console prints a line that is exactly this, trailing
 *     blanks and carriage return apart
 * @param agent whether the guest answers {@code vm:exec} on the console port named {@code agent}
 */
public record Boot(
    Path kernel,
    Optional<Path> initrd,
    String commandLine,
    long memoryBytes,
    long minimumMemoryBytes,
    String readyLine,
    boolean agent) {

  /** Checks what can be checked without touching the files. */
  public Boot {
    Objects.requireNonNull(kernel, "kernel");
    Objects.requireNonNull(initrd, "initrd");
    Objects.requireNonNull(commandLine, "commandLine");
    if (minimumMemoryBytes <= 0 || memoryBytes < minimumMemoryBytes) {
      throw new IllegalArgumentException(
          "memory " + memoryBytes + " bytes, of which at least " + minimumMemoryBytes);
    }
    if (readyLine.isBlank()) {
      throw new IllegalArgumentException("a guest needs a line that says it is ready");
    }
  }

  /** This boot with {@code words} appended to the command line. */
  public Boot append(String words) {
    String line = (commandLine + " " + words).strip();
    return new Boot(kernel, initrd, line, memoryBytes, minimumMemoryBytes, readyLine, agent);
  }
}
