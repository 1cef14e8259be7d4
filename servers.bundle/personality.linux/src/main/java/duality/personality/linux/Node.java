package duality.personality.linux;

/** What a file system has a name for: a directory, a file, a symbolic link, a device. */
abstract sealed class Node permits Directory, RegularFile, SymbolicLink, Device, PipeNode {
  static final int TYPE = 0xf000;
  static final int FIFO = 0x1000;
  static final int CHARACTER = 0x2000;
  static final int DIRECTORY = 0x4000;
  static final int BLOCK = 0x6000;
  static final int REGULAR = 0x8000;
  static final int LINK = 0xa000;

  /** Its number, unique in the file system. */
  final long number;

  /** Type and permissions. */
  int mode;

  /** How many names it has. */
  int links = 1;

  /** When it was changed, in seconds since 1970. */
  long changed;

  Node(long number, int mode, long now) {
    this.number = number;
    this.mode = mode;
    this.changed = now;
  }

  /** Size in bytes. */
  abstract long size();

  /** Major and minor number of a device. */
  long device() {
    return 0;
  }

  final int type() {
    return mode & TYPE;
  }
}
