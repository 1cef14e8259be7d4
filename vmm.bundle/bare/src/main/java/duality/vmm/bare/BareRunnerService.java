package duality.vmm.bare;

import duality.kernel.processor.Engine;
import duality.vmm.BareRunner;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Gives each program a machine of its own, which ends with it. */
@Component(service = BareRunner.class)
public final class BareRunnerService implements BareRunner {
  private final Engine engine;

  /** With what executes them. */
  @Activate
  public BareRunnerService(@Reference Engine engine) {
    this.engine = engine;
  }

  @Override
  public boolean isElf(Path file) {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file)) {
      return ElfProgram.hasMagic(in.readNBytes(4));
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public Run run(Path file, int harts, Duration limit, BooleanSupplier cancelled) {
    if (harts < 1 || harts > MOST_HARTS) {
      throw new IllegalArgumentException(harts + " harts, not 1 to " + MOST_HARTS);
    }
    ElfProgram program;
    try {
      if (Files.size(file) > ElfProgram.MOST_BYTES) {
        return refused("it has more than " + ElfProgram.MOST_BYTES + " bytes");
      }
      program = ElfProgram.read(Files.readAllBytes(file), BareMemory.BASE, BareMemory.BYTES);
    } catch (IOException e) {
      return refused("it cannot be read: " + e.getMessage());
    } catch (ElfProgram.Malformed e) {
      return refused(String.valueOf(e.getMessage()));
    }
    try (BareMemory memory = new BareMemory()) {
      for (ElfProgram.Segment segment : program.segments()) {
        memory.write(segment.address(), program.file(), segment.offset(), segment.fileBytes());
      }
      return new BareMachine(engine, memory, program, harts).run(limit, cancelled);
    } catch (BareMemory.Full e) {
      return new Run(new Outcome.Silent("the host has no memory left for it"), "", 0);
    }
  }

  private static Run refused(String why) {
    return new Run(new Outcome.Refused(why), "", 0);
  }
}
