package duality.store.file;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A raw image in a file of the host. Reads behind the file's end give zeros, up to the next whole
 * sector; a write there makes the file that long.
 *
 * <p>Many may read a file at once, or one write it: in this system, and among all processes of the
 * host that ask for locks. A lock of POSIX is lost when the process closes the file anywhere, even
 * where it was opened without success; hence the table of files in use is asked before one is
 * opened, and a successor opens its file only after its predecessor has closed it.
 */
final class Image implements AutoCloseable {
  private static final long SECTOR_BYTES = 512;

  /** Files in use, by real path: how many readers, or -1 for a writer. Guarded by itself. */
  private static final Map<Path, Integer> IN_USE = new HashMap<>();

  private final Path path;
  private final boolean readOnly;
  private final long sizeBytes;
  private final AtomicReference<@Nullable FileChannel> channel = new AtomicReference<>();

  /**
   * An image that is there and may be opened, not opened yet.
   *
   * @throws CallFailed.BadRequest when it is not there or may not be opened so
   */
  Image(Path path, boolean readOnly) {
    if (!Files.isRegularFile(path)) {
      throw new CallFailed.BadRequest(
          path
              + (Files.exists(path) ? " is no regular file" : " does not exist")
              + "; a raw disk image is needed");
    }
    if (!Files.isReadable(path) || !readOnly && !Files.isWritable(path)) {
      throw new CallFailed.BadRequest(
          path
              + " may not be "
              + (readOnly ? "read" : "written; give it rights, or open it read-only"));
    }
    try {
      this.path = path.toRealPath();
      this.readOnly = readOnly;
      sizeBytes = Math.ceilDiv(Files.size(path), SECTOR_BYTES) * SECTOR_BYTES;
    } catch (IOException e) {
      throw new CallFailed.BadRequest(path + " cannot be looked at: " + e);
    }
  }

  /** Size in bytes, whole sectors. */
  long sizeBytes() {
    return sizeBytes;
  }

  /**
   * Opens and locks the file. No effect when it is open.
   *
   * @throws CallFailed.BadRequest when somebody else has it, or the host refuses
   */
  void open() {
    if (channel.get() != null) {
      return;
    }
    use();
    boolean locked = false;
    try {
      channel.set(openAndLock());
      locked = true;
    } catch (OverlappingFileLockException | IOException e) {
      throw new CallFailed.BadRequest(path + " cannot be opened and locked: " + e);
    } finally {
      if (!locked) {
        release();
      }
    }
  }

  private FileChannel openAndLock() throws IOException {
    FileChannel opened =
        readOnly
            ? FileChannel.open(path, StandardOpenOption.READ)
            : FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = opened.tryLock(0, Long.MAX_VALUE, readOnly) != null;
    } catch (OverlappingFileLockException again) {
      // Another reader of this process, whose lock covers us (see the table), or another class
      // loader.
      locked = readOnly;
    } finally {
      if (!locked) {
        opened.close();
      }
    }
    if (!locked) {
      throw inUse("another process");
    }
    return opened;
  }

  private void use() {
    synchronized (IN_USE) {
      int users = IN_USE.getOrDefault(path, 0);
      if (users != 0 && (users < 0 || !readOnly)) {
        throw inUse("another machine");
      }
      IN_USE.put(path, readOnly ? users + 1 : -1);
    }
  }

  private void release() {
    synchronized (IN_USE) {
      IN_USE.computeIfPresent(path, (same, users) -> users <= 1 ? null : users - 1);
    }
  }

  private CallFailed.BadRequest inUse(String who) {
    return new CallFailed.BadRequest(
        path + " is in use by " + who + "; end that one, or open it read-only in both");
  }

  void read(long offset, Grant grant, long grantOffset, long length) throws IOException {
    long done = 0;
    while (done < length) {
      MemorySegment run = grant.run(grantOffset + done, length - done);
      int count = channel().read(buffer(run), offset + done);
      if (count < 0) {
        run.fill((byte) 0);
        done += run.byteSize();
      } else {
        done += count;
      }
    }
  }

  void write(long offset, Grant grant, long grantOffset, long length) throws IOException {
    long done = 0;
    while (done < length) {
      MemorySegment run = grant.run(grantOffset + done, length - done);
      done += channel().write(buffer(run), offset + done);
    }
  }

  /** Makes what was written durable. No effect when nothing can have been. */
  void force() throws IOException {
    FileChannel open = channel.get();
    if (open != null && !readOnly) {
      open.force(true);
    }
  }

  private FileChannel channel() throws IOException {
    FileChannel open = channel.get();
    if (open == null) {
      throw new IOException(path + " is not open");
    }
    return open;
  }

  /** A buffer over the run, or its beginning when it is longer than a buffer can be. */
  private static ByteBuffer buffer(MemorySegment run) {
    return run.asSlice(0, Math.min(run.byteSize(), Integer.MAX_VALUE)).asByteBuffer();
  }

  /** By any thread; whoever is in the middle of something gets an error. */
  @Override
  public void close() {
    FileChannel open = channel.getAndSet(null);
    if (open == null) {
      return;
    }
    try {
      open.close(); // gives the lock back too
    } catch (IOException e) {
      // Nothing of ours is buffered, so nothing is lost.
    }
    release();
  }
}
