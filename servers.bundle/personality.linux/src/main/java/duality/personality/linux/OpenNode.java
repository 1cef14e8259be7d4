package duality.personality.linux;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** An open file, directory or simple device of the file system. */
final class OpenNode extends OpenFile {
  private final Linux linux;
  private final Node node;

  /** In bytes; of a directory, the number of entries given out. */
  long position;

  OpenNode(Linux linux, Node node, int flags) {
    super(flags);
    this.linux = linux;
    this.node = node;
    if (node instanceof RegularFile file) {
      file.opened++;
    }
  }

  @Override
  Node node() {
    return node;
  }

  @Override
  long read(Process caller, byte[] into, int length) throws Failed {
    long count = readAt(caller, position, into, length);
    position += Math.max(0, count);
    return count;
  }

  @Override
  void unread(byte[] bytes, int count) {
    position -= count;
  }

  @Override
  long write(Process caller, byte[] bytes, int length) throws Failed {
    if ((flags & APPEND) != 0) {
      position = node.size();
    }
    long count = writeAt(caller, position, bytes, length);
    position += Math.max(0, count);
    return count;
  }

  /** Reads elsewhere than at the position. */
  long readAt(Process caller, long offset, byte[] into, int length) throws Failed {
    if (node instanceof RegularFile file) {
      return file.read(offset, into, length);
    }
    if (node instanceof Device device) {
      return switch (device.kind) {
        case NULL -> 0;
        case ZERO -> {
          Arrays.fill(into, 0, length, (byte) 0);
          yield length;
        }
        case RANDOM -> random(linux.random(), into, length);
        case DISK -> linux.disk().transfer(caller, false, offset, into, length);
        case TERMINAL -> throw new Failed(Errno.EIO); // opened as a TerminalFile
      };
    }
    throw new Failed(Errno.EISDIR);
  }

  private static long random(RandomGenerator random, byte[] into, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    System.arraycopy(bytes, 0, into, 0, length);
    return length;
  }

  /** Writes elsewhere than at the position. */
  long writeAt(Process caller, long offset, byte[] bytes, int length) throws Failed {
    if (node instanceof RegularFile file) {
      return file.write(offset, bytes, length, linux.seconds());
    }
    if (node instanceof Device device) {
      return device.kind == Device.Kind.DISK
          ? linux.disk().transfer(caller, true, offset, bytes, length)
          : length;
    }
    throw new Failed(Errno.EISDIR);
  }

  @Override
  Object waitsFor() {
    return node instanceof Device device && device.kind == Device.Kind.DISK ? linux.disk() : this;
  }

  @Override
  void closed() {
    if (node instanceof RegularFile file && --file.opened == 0) {
      linux.files().forget(file);
    }
  }
}
