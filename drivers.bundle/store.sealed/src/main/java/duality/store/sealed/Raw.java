package duality.store.sealed;

import java.io.IOException;

/** The store below, one request at a time. Nothing that it gives is to be believed. */
interface Raw {
  /**
   * Reads.
   *
   * @throws Tampered when it says that it has no such place
   * @throws IOException when it says that it cannot
   */
  void read(long offset, byte[] into, int length) throws IOException;

  /** Writes; as {@link #read}. */
  void write(long offset, byte[] from, int length) throws IOException;

  /** Makes what was written durable, if it is honest. */
  void flush() throws IOException;
}
