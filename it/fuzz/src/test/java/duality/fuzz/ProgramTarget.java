package duality.fuzz;

import duality.processor.interpreter.Interpreter;
import duality.vmm.BareRunner;
import duality.vmm.bare.BareRunnerService;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Programs for {@code vm:bare}: ELF files that lie, and code that is none. */
public final class ProgramTarget implements Target {
  private static final Duration LIMIT = Duration.ofMillis(5);

  private final BareRunner runner = new BareRunnerService(new Interpreter());
  private final Path file;

  /** With a place for the file. */
  public ProgramTarget() throws IOException {
    file = Files.createTempFile("duality-fuzz", ".elf");
  }

  @Override
  public void run(byte[] bytes) throws IOException {
    Input input = new Input(bytes);
    boolean random = input.next(2) == 0;
    Assembly assembly = new Assembly(true);
    for (int step = 0; random && step < 256 && input.hasMore(); step++) {
      assembly.step();
      assembly.li(Assembly.A0, input.value());
      for (int n = input.next(4); n >= 0; n--) {
        assembly.word((int) input.number(4));
      }
    }
    assembly.step();
    assembly.store(0x10_0000L, 4, 0x5555);
    byte[] elf = assembly.elf();
    for (int changes = random ? 0 : input.next(16); changes > 0; changes--) {
      int at = (int) input.number(2) % 0x200 & -2;
      long value = input.value();
      for (int b = 0; b < 1 << input.next(4); b++) {
        elf[at + b] = (byte) (value >>> 8 * b);
      }
    }
    Files.write(file, elf);
    runner.run(file, LIMIT, () -> false);
  }

  @Override
  public List<String> complaints() {
    return List.of();
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
