package duality.personality.linux;

import duality.personality.linux.SystemCalls.Arguments;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Calls on open files: read, write, dup, pipe, fcntl and what belongs to them. */
final class DescriptorCalls {
  /** Bytes that one call takes; who has more asks again, as after any short read or write. */
  static final int MOST_BYTES = 1 << 16;

  private static final int MOST_VECTORS = 1024;
  static final int CLOSE_ON_EXEC = 02000000;

  /** Flags of open that fcntl can change. */
  private static final int CHANGEABLE = OpenFile.APPEND | OpenFile.NONBLOCK;

  private final Linux linux;

  DescriptorCalls(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(23, "dup", (caller, a) -> duplicate(caller, a.number(0), 0, false));
    table.add(24, "dup3", DescriptorCalls::duplicateTo);
    table.add(25, "fcntl", DescriptorCalls::control);
    table.add(29, "ioctl", DescriptorCalls::device);
    table.add(32, "flock", (caller, a) -> nothing(caller, a));
    table.add(46, "ftruncate", this::truncate);
    table.add(57, "close", DescriptorCalls::close);
    table.add(59, "pipe2", this::pipe);
    table.add(62, "lseek", DescriptorCalls::seek);
    table.add(63, "read", (caller, a) -> read(caller, open(caller, a), a.get(1), a.get(2)));
    table.add(64, "write", (caller, a) -> write(caller, open(caller, a), a.get(1), a.get(2)));
    table.add(65, "readv", DescriptorCalls::readVectors);
    table.add(66, "writev", DescriptorCalls::writeVectors);
    table.add(67, "pread64", DescriptorCalls::readAt);
    table.add(68, "pwrite64", DescriptorCalls::writeAt);
    table.add(71, "sendfile", DescriptorCalls::send);
    table.add(82, "fsync", (caller, a) -> nothing(caller, a));
    table.add(83, "fdatasync", (caller, a) -> nothing(caller, a));
    table.add(436, "close_range", DescriptorCalls::closeRange);
  }

  private static OpenFile open(Process caller, Arguments a) throws Failed {
    return caller.files().get(a.number(0));
  }

  private static long nothing(Process caller, Arguments a) throws Failed {
    open(caller, a);
    return 0;
  }

  // ---- descriptors ----

  private static long duplicate(Process caller, int number, int least, boolean closed)
      throws Failed {
    OpenFile file = caller.files().get(number);
    return caller.files().add(file, least, closed);
  }

  private static long duplicateTo(Process caller, Arguments a) throws Failed {
    OpenFile file = open(caller, a);
    if (a.number(0) == a.number(1)) {
      return Errno.EINVAL;
    }
    caller.files().put(a.number(1), file, (a.get(2) & CLOSE_ON_EXEC) != 0);
    return a.number(1);
  }

  private static long control(Process caller, Arguments a) throws Failed {
    FileTable.Descriptor descriptor = caller.files().descriptor(a.number(0));
    OpenFile file = descriptor.file();
    switch (a.number(1)) {
      case 0, 1030 -> { // F_DUPFD, F_DUPFD_CLOEXEC
        return duplicate(caller, a.number(0), a.number(2), a.number(1) == 1030);
      }
      case 1 -> { // F_GETFD
        return descriptor.closedByExec() ? 1 : 0;
      }
      case 2 -> { // F_SETFD
        caller.files().closedByExec(a.number(0), (a.get(2) & 1) != 0);
        return 0;
      }
      case 3 -> { // F_GETFL
        return file.flags;
      }
      case 4 -> { // F_SETFL
        file.flags = file.flags & ~CHANGEABLE | a.number(2) & CHANGEABLE;
        return 0;
      }
      default -> {
        return Errno.EINVAL;
      }
    }
  }

  private static long device(Process caller, Arguments a) throws Failed {
    OpenFile file = open(caller, a);
    if (file instanceof TerminalFile open) {
      return open.terminal().control(caller, a.number(1), a.get(2));
    }
    if (a.number(1) == 0x5421) { // FIONBIO
      boolean wanted = caller.memory().readNumbers(a.get(2), 4).getInt() != 0;
      file.flags = file.flags & ~OpenFile.NONBLOCK | (wanted ? OpenFile.NONBLOCK : 0);
      return 0;
    }
    if (a.number(1) == 0x80081272 && file.node().type() == Node.BLOCK) { // BLKGETSIZE64
      caller.memory().write(a.get(2), UserMemory.numbers(8).putLong(0, file.node().size()));
      return 0;
    }
    return Errno.ENOTTY;
  }

  private static long close(Process caller, Arguments a) throws Failed {
    caller.files().close(a.number(0));
    return 0;
  }

  private static long closeRange(Process caller, Arguments a) throws Failed {
    long first = a.get(0) & 0xffffffffL;
    long last = a.get(1) & 0xffffffffL;
    if (first > last) {
      return Errno.EINVAL;
    }
    for (int number : java.util.List.copyOf(caller.files().all().keySet())) {
      if (number >= first && number <= last) {
        if ((a.get(2) & 4) != 0) { // CLOSE_RANGE_CLOEXEC
          caller.files().closedByExec(number, true);
        } else {
          caller.files().close(number);
        }
      }
    }
    return 0;
  }

  private long pipe(Process caller, Arguments a) throws Failed {
    int flags = a.number(1) & OpenFile.NONBLOCK;
    boolean closed = (a.get(1) & CLOSE_ON_EXEC) != 0;
    Pipe pipe = new Pipe(linux, linux.files().pipe());
    OpenFile out = pipe.end(false, flags);
    OpenFile in = pipe.end(true, flags);
    int reading = caller.files().add(out, 0, closed);
    try {
      int writing = caller.files().add(in, 0, closed);
      try {
        caller
            .memory()
            .write(a.get(0), UserMemory.numbers(8).putInt(0, reading).putInt(4, writing));
        return 0;
      } catch (UserMemory.Fault e) {
        caller.files().close(writing);
        throw e;
      }
    } catch (Failed e) {
      caller.files().close(reading);
      throw e;
    }
  }

  private long truncate(Process caller, Arguments a) throws Failed {
    OpenFile open = open(caller, a);
    if (!open.mayWrite() || !(open.node() instanceof RegularFile file)) {
      return Errno.EINVAL;
    }
    file.resize(a.get(1), linux.seconds());
    return 0;
  }

  private static long seek(Process caller, Arguments a) throws Failed {
    OpenFile open = open(caller, a);
    if (!(open instanceof OpenNode file)) {
      return Errno.ESPIPE;
    }
    long base =
        switch (a.number(2)) {
          case 0 -> 0;
          case 1 -> file.position;
          case 2 -> file.node().size();
          default -> -1;
        };
    if (base < 0 || base + a.get(1) < 0) {
      return Errno.EINVAL;
    }
    file.position = base + a.get(1);
    return file.position;
  }

  // ---- reading and writing ----

  private static int count(long length) throws Failed {
    if (length < 0) {
      throw new Failed(Errno.EINVAL);
    }
    return (int) Math.min(length, MOST_BYTES);
  }

  private static OpenFile forReading(OpenFile file) throws Failed {
    if (!file.mayRead()) {
      throw new Failed(Errno.EBADF);
    }
    return file;
  }

  private static OpenFile forWriting(OpenFile file) throws Failed {
    if (!file.mayWrite()) {
      throw new Failed(Errno.EBADF);
    }
    return file;
  }

  /** What a call that would wait does: wait, or say so. */
  private static long wait(Process caller, OpenFile file) {
    return file.nonblocking() ? Errno.EAGAIN : caller.waitFor(file.waitsFor());
  }

  private static long read(Process caller, OpenFile file, long address, long length) throws Failed {
    byte[] bytes = new byte[count(length)];
    long done = forReading(file).read(caller, bytes, bytes.length);
    if (done == SystemCalls.BLOCKED) {
      return wait(caller, file);
    }
    try {
      caller.memory().write(address, bytes, 0, (int) done);
      return done;
    } catch (UserMemory.Fault e) {
      file.unread(bytes, (int) done);
      throw e;
    }
  }

  private static long write(Process caller, OpenFile file, long address, long length)
      throws Failed {
    byte[] bytes = caller.memory().read(address, forWriting(file) == file ? count(length) : 0);
    long done = file.write(caller, bytes, bytes.length);
    return done == SystemCalls.BLOCKED ? wait(caller, file) : done;
  }

  private static ByteBuffer vectors(Process caller, Arguments a) throws Failed {
    long count = a.get(2);
    if (count < 0 || count > MOST_VECTORS) {
      throw new Failed(Errno.EINVAL);
    }
    return caller.memory().readNumbers(a.get(1), (int) count * 16);
  }

  private static long readVectors(Process caller, Arguments a) throws Failed {
    OpenFile file = forReading(open(caller, a));
    ByteBuffer list = vectors(caller, a);
    long room = 0;
    for (int at = 8; at < list.limit(); at += 16) {
      room += count(list.getLong(at));
    }
    byte[] bytes = new byte[(int) Math.min(room, MOST_BYTES)];
    long done = file.read(caller, bytes, bytes.length);
    if (done == SystemCalls.BLOCKED) {
      return wait(caller, file);
    }
    for (int given = 0; given < done; ) {
      long address = list.getLong();
      int part = (int) Math.min(list.getLong(), done - given);
      caller.memory().write(address, bytes, given, part);
      given += part;
    }
    return done;
  }

  private static long writeVectors(Process caller, Arguments a) throws Failed {
    OpenFile file = forWriting(open(caller, a));
    ByteBuffer list = vectors(caller, a);
    byte[] all = new byte[MOST_BYTES];
    int taken = 0;
    while (list.hasRemaining() && taken < MOST_BYTES) {
      long address = list.getLong();
      int part = Math.min(count(list.getLong()), MOST_BYTES - taken);
      System.arraycopy(caller.memory().read(address, part), 0, all, taken, part);
      taken += part;
    }
    long done = file.write(caller, all, taken);
    return done == SystemCalls.BLOCKED ? wait(caller, file) : done;
  }

  private static OpenNode placed(OpenFile file) throws Failed {
    if (file instanceof OpenNode node) {
      return node;
    }
    throw new Failed(Errno.ESPIPE);
  }

  private static long readAt(Process caller, Arguments a) throws Failed {
    OpenNode file = placed(forReading(open(caller, a)));
    byte[] bytes = new byte[count(a.get(2))];
    if (a.get(3) < 0) {
      return Errno.EINVAL;
    }
    long done = file.readAt(caller, a.get(3), bytes, bytes.length);
    if (done == SystemCalls.BLOCKED) {
      return wait(caller, file);
    }
    caller.memory().write(a.get(1), bytes, 0, (int) done);
    return done;
  }

  private static long writeAt(Process caller, Arguments a) throws Failed {
    OpenNode file = placed(forWriting(open(caller, a)));
    byte[] bytes = caller.memory().read(a.get(1), count(a.get(2)));
    if (a.get(3) < 0) {
      return Errno.EINVAL;
    }
    long done = file.writeAt(caller, a.get(3), bytes, bytes.length);
    return done == SystemCalls.BLOCKED ? wait(caller, file) : done;
  }

  /** From a file of the file system only, as programs copy them. */
  private static long send(Process caller, Arguments a) throws Failed {
    OpenFile to = forWriting(caller.files().get(a.number(0)));
    OpenFile from = forReading(caller.files().get(a.number(1)));
    if (!(from instanceof OpenNode source && source.node() instanceof RegularFile file)) {
      return Errno.EINVAL;
    }
    long offset = a.get(2) == 0 ? source.position : caller.memory().readLong(a.get(2));
    if (offset < 0) {
      return Errno.EINVAL;
    }
    byte[] bytes = new byte[count(a.get(3))];
    int count = file.read(offset, bytes, bytes.length);
    long done = count == 0 ? 0 : to.write(caller, Arrays.copyOf(bytes, count), count);
    if (done == SystemCalls.BLOCKED) {
      return wait(caller, to);
    }
    if (a.get(2) == 0) {
      source.position = offset + done;
    } else {
      caller.memory().write(a.get(2), UserMemory.numbers(8).putLong(0, offset + done));
    }
    return done;
  }
}
