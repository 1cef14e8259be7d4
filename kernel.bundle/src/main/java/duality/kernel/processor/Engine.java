package duality.kernel.processor;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Executes RV64 code: the processor of this system. An engine is a bundle and registers itself as a
 * service with the property {@code duality.engine} = its name.
 */
@ConsumerType
public interface Engine {
  /** Service property with the engine's name, for example {@code interpreter}. */
  String NAME = "duality.engine";

  /**
   * Makes a hart in reset state: all registers zero, pc zero; privilege M in full mode, U in user
   * mode.
   *
   * @param mode where translations come from
   * @param memory the space it runs in
   * @param lines its interrupt lines
   * @param clock the host's monotonic clock in nanoseconds, as {@link System#nanoTime}; tests move
   *     it by hand
   */
  Hart hart(HartMode mode, Memory memory, Lines lines, java.util.function.LongSupplier clock);
}
