package duality.vmm;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Runs programs that own a whole machine: ELF files that start in M-mode and report how they fared
 * through HTIF ({@code tohost}) or the test finisher, as the public RISC-V test programs do. An
 * OSGi service.
 *
 * <p><em>Concurrency:</em> any number of threads; hart 0 of each program runs on its caller's,
 * others on threads of their own.
 */
@ConsumerType
public interface BareRunner {
  /** How a program ended. */
  sealed interface Outcome {
    /** It reported success. */
    record Passed() implements Outcome {}

    /**
     * It reported failure.
     *
     * @param code what it reported: {@code tohost >>> 1}, or the finisher's code; never 0
     */
    record Failed(long code) implements Outcome {}

    /**
     * It did not report anything.
     *
     * @param why for people: no time left, or it can never go on
     */
    record Silent(String why) implements Outcome {}

    /**
     * It was not started.
     *
     * @param why for people: what the file is that cannot be run
     */
    record Refused(String why) implements Outcome {}
  }

  /**
   * A program's end.
   *
   * @param outcome how it fared
   * @param output what it wrote to the serial port and through HTIF; the last 64 KiB
   * @param instructions retired
   */
  record Run(Outcome outcome, String output, long instructions) {}

  /** Whether a file is an ELF file of any kind; false when it cannot be read. */
  boolean isElf(Path file);

  /**
   * Loads a program and runs it to its end.
   *
   * @param limit of wall-clock time
   * @param cancelled asked every few thousand instructions; true ends the run as silent
   */
  default Run run(Path file, Duration limit, BooleanSupplier cancelled) {
    return run(file, 1, limit, cancelled);
  }

  /** Most harts of one program. */
  int MOST_HARTS = 8;

  /**
   * The same on several harts, which all begin at its entry and differ in {@code mhartid}.
   *
   * @param harts 1 to {@link #MOST_HARTS}
   */
  Run run(Path file, int harts, Duration limit, BooleanSupplier cancelled);
}
