package duality.shell.lab;

import duality.drivers.RawStore;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Server;
import duality.kernel.State;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A server that keeps a disk in a file as {@code store.file} does, and does wrong when it is told.
 * Requests are done at once, by who submits them.
 */
final class HostileDisk implements Server {
  /** Its name. */
  static final String SERVER = "lab.hostile";

  private static final int UNIT = 4096;

  /** What it does wrong. */
  enum Wrong {
    NOTHING("is honest"),
    FLIPS("changes a bit of what is read"),
    REPLAYS("gives what was there before the last write"),
    SWAPS("gives another block"),
    ERASES("gives zeros"),
    STOPS_SHORT("reads a part of what is asked, and says it was all"),
    SHRINKS("says that it is smaller, and has nothing at the end"),
    LOSES("says that it has written, and has not");

    final String words;

    Wrong(String words) {
      this.words = words;
    }
  }

  private final Path file;
  private volatile Wrong wrong = Wrong.NOTHING;

  /**
   * What each unit held before it was written last; for each instance that serves after another.
   */
  private final Map<Long, byte[]> before = new ConcurrentHashMap<>();

  HostileDisk(Path file) {
    this.file = file;
  }

  /** What it does from now on. */
  void does(Wrong what) {
    wrong = what;
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    try {
      return new Opened(
          context.slot(Slots.EVENTS, Notification.class),
          FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE));
    } catch (IOException e) {
      throw new CallFailed.BadRequest(file + " cannot be opened: " + e);
    }
  }

  private final class Opened implements RawStore, Instance {
    private final Notification events;
    private final FileChannel channel;
    private final Deque<Long> finished = new ArrayDeque<>();

    Opened(Notification events, FileChannel channel) {
      this.events = events;
      this.channel = channel;
      finished.add(RESTARTED); // it has nothing of what its predecessor had taken
    }

    @Override
    public long sizeBytes() {
      try {
        return wrong == Wrong.SHRINKS ? channel.size() / 2 : channel.size();
      } catch (IOException e) {
        throw new CallFailed.BadRequest(file + ": " + e);
      }
    }

    @Override
    public boolean readOnly() {
      return false;
    }

    @Override
    public String identity() {
      return "hostile";
    }

    @Override
    public synchronized boolean submit(
        int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
      if (!finished.isEmpty()) {
        return false;
      }
      int status = OK;
      try {
        byte[] bytes = new byte[(int) length];
        if (operation == READ && offset > sizeBytes() - length) {
          status = REFUSED;
        } else if (operation == READ) {
          int count = read(offset, bytes);
          grant.write(grantOffset, MemorySegment.ofArray(bytes), 0, count);
        } else if (operation == WRITE) {
          grant.read(grantOffset, MemorySegment.ofArray(bytes), 0, length);
          write(offset, bytes);
        }
      } catch (IOException e) {
        status = FAILED;
      }
      finished.add((long) tag << 8 | status);
      events.signal(1);
      return true;
    }

    /** Reads, or does something like it; answers how many bytes are said. */
    private int read(long offset, byte[] bytes) throws IOException {
      Wrong what = wrong;
      transfer(what == Wrong.SWAPS ? Math.max(0, offset - UNIT) : offset, bytes);
      switch (what) {
        case FLIPS -> bytes[bytes.length / 2] ^= 0x10;
        case REPLAYS -> replay(offset, bytes);
        case ERASES -> Arrays.fill(bytes, (byte) 0);
        case STOPS_SHORT -> {
          // The reader has something else there: what came with an earlier request.
          Arrays.fill(bytes, bytes.length / 2, bytes.length, (byte) 0x55);
        }
        default -> {}
      }
      return bytes.length;
    }

    private void transfer(long offset, byte[] bytes) throws IOException {
      ByteBuffer into = ByteBuffer.wrap(bytes);
      while (into.hasRemaining()) {
        if (channel.read(into, offset + into.position()) < 0) {
          return;
        }
      }
    }

    private void replay(long offset, byte[] bytes) {
      for (int at = 0; at + UNIT <= bytes.length; at += UNIT) {
        byte[] old = before.get(offset + at);
        if (old != null) {
          System.arraycopy(old, 0, bytes, at, UNIT);
        }
      }
    }

    private void write(long offset, byte[] bytes) throws IOException {
      if (wrong == Wrong.LOSES) {
        return;
      }
      for (int at = 0; at + UNIT <= bytes.length; at += UNIT) {
        byte[] old = new byte[UNIT];
        transfer(offset + at, old);
        before.put(offset + at, old);
      }
      ByteBuffer from = ByteBuffer.wrap(bytes);
      while (from.hasRemaining()) {
        channel.write(from, offset + from.position());
      }
    }

    @Override
    public synchronized long finished() {
      Long next = finished.poll();
      if (next == null) {
        return NONE;
      }
      if (next == RESTARTED) {
        events.signal(1); // what was not taken before is taken now
      }
      return next;
    }

    @Override
    public State save() {
      return State.of(SERVER, 1);
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        // Nothing of ours is buffered.
      }
    }
  }
}
