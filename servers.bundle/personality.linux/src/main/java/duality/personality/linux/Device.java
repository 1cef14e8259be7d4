package duality.personality.linux;

/** A device by its name in /dev. */
final class Device extends Node {
  /** What is behind it. */
  enum Kind {
    NULL("null", 1, 3),
    ZERO("zero", 1, 5),
    RANDOM("urandom", 1, 9),
    TERMINAL("tty", 5, 0),
    DISK("vda", 254, 0);

    final String fileName;
    final long number;

    Kind(String fileName, int major, int minor) {
      this.fileName = fileName;
      this.number = (long) major << 8 | minor;
    }
  }

  final Kind kind;
  private final long bytes;

  Device(long number, Kind kind, long bytes, long now) {
    super(number, (kind == Kind.DISK ? BLOCK : CHARACTER) | 0666, now);
    this.kind = kind;
    this.bytes = bytes;
  }

  @Override
  long size() {
    return bytes;
  }

  @Override
  long device() {
    return kind.number;
  }
}
