package duality.personality.linux;

import java.nio.ByteBuffer;

/** What stat and its like say of a node (include/uapi/asm-generic/stat.h, linux/stat.h). */
final class Stat {
  private static final int BASIC = 0x7ff;

  private Stat() {}

  static ByteBuffer stat(Node node) {
    ByteBuffer stat = UserMemory.numbers(128);
    stat.putLong(0, 1);
    stat.putLong(8, node.number);
    stat.putInt(16, node.mode);
    stat.putInt(20, node.links);
    stat.putLong(32, node.device());
    stat.putLong(48, node.size());
    stat.putInt(56, 4096);
    stat.putLong(64, (node.size() + 511) / 512);
    for (int time = 72; time < 120; time += 16) {
      stat.putLong(time, node.changed);
    }
    return stat;
  }

  static ByteBuffer statx(Node node) {
    ByteBuffer stat = UserMemory.numbers(256);
    stat.putInt(0, BASIC).putInt(4, 4096);
    stat.putInt(16, node.links);
    stat.putShort(28, (short) node.mode);
    stat.putLong(32, node.number).putLong(40, node.size());
    stat.putLong(48, (node.size() + 511) / 512);
    for (int time : new int[] {64, 96, 112}) {
      stat.putLong(time, node.changed);
    }
    stat.putInt(128, (int) (node.device() >> 8)).putInt(132, (int) node.device() & 0xff);
    stat.putInt(140, 1);
    return stat;
  }

  /** struct statfs of the file system in memory. */
  static ByteBuffer system(MainMemory memory) {
    ByteBuffer stat = UserMemory.numbers(120);
    stat.putLong(0, 0x01021994).putLong(8, 4096); // TMPFS_MAGIC
    stat.putLong(16, memory.limit());
    stat.putLong(24, memory.limit() - memory.inUse());
    stat.putLong(32, memory.limit() - memory.inUse());
    stat.putLong(40, 65_536).putLong(48, 65_536);
    stat.putLong(64, 255).putLong(72, 4096);
    return stat;
  }
}
