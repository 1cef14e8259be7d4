package duality.drivers;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A device that a guest reaches by loads and stores.
 *
 * <p><em>Concurrency:</em> called from several harts at once. Called on a processor: never waits
 * for host I/O, only updates registers and signals a worker.
 */
@ConsumerType
@Protocol(rank = Protocol.DEVICE, stallMillis = 1_000)
public interface MmioDevice {
  /**
   * A load. Offsets and widths that the device does not have read as zero.
   *
   * @param offset bytes from the device's base, 0 to size - 1
   * @param width 1, 2, 4 or 8 bytes
   */
  long load(long offset, int width);

  /** A store. Offsets and widths that the device does not have are ignored. */
  void store(long offset, int width, long value);

  /** Becomes what it is at power-on; its interrupt line is lowered. */
  @Idempotent
  void reset();
}
