package duality.vmm.board;

import duality.kernel.CallFailed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A host file that is loaded into a guest. Opened with {@link RandomAccessFile}, because a channel
 * would be closed under us when the calling thread is interrupted.
 */
final class GuestFile implements AutoCloseable {
  private final String path;
  private final RandomAccessFile file;
  private final long length;

  /**
   * Opens a file.
   *
   * @throws CallFailed.BadRequest when it cannot be read
   */
  GuestFile(String path) {
    this.path = path;
    RandomAccessFile opened = null;
    try {
      opened = new RandomAccessFile(path, "r");
      length = opened.length();
    } catch (IOException failure) {
      closeQuietly(opened);
      throw new CallFailed.BadRequest(
          "cannot read " + path + ": " + failure.getMessage() + "; give a file that is there");
    }
    file = opened;
  }

  /** The file's name, for messages. */
  String path() {
    return path;
  }

  /** Length in bytes when it was opened. */
  long length() {
    return length;
  }

  /**
   * Up to {@code count} bytes from {@code offset} on, little-endian; fewer at the end of the file.
   */
  ByteBuffer head(long offset, int count) {
    byte[] bytes = new byte[(int) Math.max(0, Math.min(count, length - offset))];
    read(offset, bytes, bytes.length);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads bytes.
   *
   * @throws CallFailed.BadRequest when the host cannot, or the file has become shorter
   */
  void read(long offset, byte[] to, int count) {
    try {
      file.seek(offset);
      file.readFully(to, 0, count);
    } catch (IOException failure) {
      throw new CallFailed.BadRequest(
          "cannot read " + count + " bytes at " + offset + " of " + path + ": " + failure);
    }
  }

  @Override
  public void close() {
    closeQuietly(file);
  }

  private static void closeQuietly(@org.jspecify.annotations.Nullable RandomAccessFile file) {
    if (file == null) {
      return;
    }
    try {
      file.close();
    } catch (IOException ignored) {
      // It was only read; nothing can be lost.
    }
  }
}
