package duality.kernel;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Memory of a space lent to a driver for the length of a request: the pages stay where they are
 * until it is closed. The kernel closes what a dead driver left open.
 *
 * <p>Offsets are in bytes from the start of the grant. Multi-byte values are little-endian; an
 * aligned value is accessed as a whole, as a device would. Accesses outside {@code [0, sizeBytes)},
 * or after {@link #close}, throw {@link CallFailed.BadRequest}.
 *
 * <p><em>Concurrency:</em> any thread; guest harts may change the memory at any moment, so read
 * each value once.
 */
@ProviderType
public interface Grant extends AutoCloseable {
  /** Length in bytes. */
  long sizeBytes();

  /** A byte, 0 to 255. */
  int getByte(long offset);

  /** Two bytes, 0 to 65,535, in acquire order. */
  int getShort(long offset);

  /** Four bytes, in acquire order. */
  int getInt(long offset);

  /** Eight bytes, in acquire order. */
  long getLong(long offset);

  /** Stores a byte. */
  void setByte(long offset, int value);

  /** Stores two bytes, in release order. */
  void setShort(long offset, int value);

  /** Stores four bytes, in release order. */
  void setInt(long offset, int value);

  /** Stores eight bytes, in release order. */
  void setLong(long offset, long value);

  /**
   * The longest run of host memory from {@code offset} on that is contiguous, at most {@code
   * length} bytes; at least up to the end of its page. For host I/O without a copy. Not to be used
   * after {@link #close}.
   */
  MemorySegment run(long offset, long length);

  /** Copies out of the granted memory. */
  void read(long offset, MemorySegment to, long toOffset, long length);

  /** Copies into the granted memory. */
  void write(long offset, MemorySegment from, long fromOffset, long length);

  /** Gives the memory back. Closing twice has no effect. */
  @Override
  void close();
}
