package duality.drivers;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Takes the interrupt lines of devices and drives those of harts; itself reached by MMIO as well.
 */
@ConsumerType
@Protocol(rank = Protocol.INTERRUPTS, stallMillis = 1_000)
public interface InterruptController {
  /**
   * Sets the level of a source.
   *
   * @param source 1 to the controller's number of sources
   */
  @Idempotent
  void level(int source, boolean asserted);

  /** See {@link MmioDevice#load}. */
  long load(long offset, int width);

  /** See {@link MmioDevice#store}. */
  void store(long offset, int width, long value);

  /** See {@link MmioDevice#reset}. */
  @Idempotent
  void reset();
}
