package duality.personality.linux;

/** A pipe: 64 KiB between those who write and those who read. */
final class Pipe {
  private static final int BYTES = 1 << 16;

  /** A write of so many bytes is taken as a whole or waits. */
  private static final int WHOLE = 4096;

  private final Linux linux;
  private final PipeNode node;
  private byte[] ring = new byte[512];
  private int first;
  private int count;
  private int readers;
  private int writers;

  Pipe(Linux linux, PipeNode node) {
    this.linux = linux;
    this.node = node;
  }

  /** One of its ends, open. */
  OpenFile end(boolean forWriting, int flags) {
    readers += forWriting ? 0 : 1;
    writers += forWriting ? 1 : 0;
    return new End(forWriting, flags);
  }

  PipeNode node() {
    return node;
  }

  /** What is in it, for a state. */
  byte[] content() {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = ring[(first + i) % ring.length];
    }
    return bytes;
  }

  /** Fills it from a state. */
  void restore(byte[] content) {
    put(content, Math.min(content.length, BYTES));
  }

  private void put(byte[] bytes, int length) {
    if (count + length > ring.length) {
      int size = ring.length;
      while (size < count + length) {
        size *= 2;
      }
      byte[] more = new byte[size];
      System.arraycopy(content(), 0, more, 0, count);
      ring = more;
      first = 0;
    }
    for (int i = 0; i < length; i++) {
      ring[(first + count + i) % ring.length] = bytes[i];
    }
    count += length;
  }

  /** An end of it. */
  final class End extends OpenFile {
    private final boolean forWriting;

    private End(boolean forWriting, int flags) {
      super(forWriting ? flags | WRITE_ONLY : flags);
      this.forWriting = forWriting;
    }

    Pipe pipe() {
      return Pipe.this;
    }

    boolean forWriting() {
      return forWriting;
    }

    @Override
    Node node() {
      return node;
    }

    @Override
    long read(Process caller, byte[] into, int length) throws Failed {
      if (count == 0 && writers > 0 && length > 0) {
        return SystemCalls.BLOCKED;
      }
      int taken = Math.min(count, length);
      for (int i = 0; i < taken; i++) {
        into[i] = ring[(first + i) % ring.length];
      }
      first = (first + taken) % ring.length;
      count -= taken;
      if (taken > 0) {
        linux.wake(Pipe.this);
      }
      return taken;
    }

    @Override
    void unread(byte[] bytes, int unread) {
      byte[] later = content();
      first = 0;
      count = 0;
      put(bytes, unread);
      put(later, later.length);
    }

    @Override
    long write(Process caller, byte[] bytes, int length) throws Failed {
      if (readers == 0) {
        caller.signals().post(Signals.PIPE);
        throw new Failed(Errno.EPIPE);
      }
      int room = BYTES - count;
      if (length > 0 && (room == 0 || (length <= WHOLE && room < length))) {
        return SystemCalls.BLOCKED;
      }
      int taken = Math.min(room, length);
      put(bytes, taken);
      if (taken > 0) {
        linux.wake(Pipe.this);
      }
      return taken;
    }

    @Override
    int ready() {
      if (forWriting) {
        boolean room = readers == 0 || BYTES - count >= WHOLE;
        return (room ? POLL_OUT : 0) | (readers == 0 ? POLL_ERROR : 0);
      }
      return (count > 0 ? POLL_IN : 0) | (writers == 0 ? POLL_HANG_UP : 0);
    }

    @Override
    Object waitsFor() {
      return Pipe.this;
    }

    @Override
    void closed() {
      readers -= forWriting ? 0 : 1;
      writers -= forWriting ? 1 : 0;
      linux.wake(Pipe.this);
    }
  }
}
