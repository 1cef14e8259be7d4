package duality.soak;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * What the guest writes, as the host computes it. In round r a slot of the disk gets a header that
 * names the round, and counting numbers whose digits are turned by r; no two places on the disk are
 * ever the same.
 */
final class DiskPattern {
  static final int SLOT_BYTES = 128 << 10;
  static final int SLOTS = 64;
  static final int DISK_BYTES = SLOT_BYTES * SLOTS;

  private static final int HEADER_BYTES = 512;
  private static final int LINE_BYTES = 10;
  private static final int LINES = (SLOT_BYTES - HEADER_BYTES) / LINE_BYTES;

  /** Rounds between writing a slot and reading it once more. */
  private static final int LATER = 31;

  private static final int STEP = 37;

  private final int seed;
  private final byte[] numbers;
  private final byte[] disk = new byte[DISK_BYTES];

  DiskPattern(long seed) {
    this.seed = (int) seed;
    StringBuilder text = new StringBuilder(LINES * LINE_BYTES);
    for (int i = 0; i < LINES; i++) {
      text.append(first() + i).append('\n');
    }
    numbers = text.toString().getBytes(US_ASCII);
  }

  private int first() {
    return 100_000_000 + seed * 800;
  }

  private int slot(int round) {
    return (int) (((long) round * STEP + seed) % SLOTS);
  }

  /** The disk after all rounds that {@link #answer} was asked for. */
  byte[] disk() {
    return disk;
  }

  /** What the guest says when round {@code round} is done; rounds are asked for in order. */
  String answer(int round) {
    int at = slot(round) * SLOT_BYTES;
    Arrays.fill(disk, at, at + HEADER_BYTES, (byte) ' ');
    byte[] header = ("round " + round + " slot " + slot(round)).getBytes(US_ASCII);
    System.arraycopy(header, 0, disk, at, header.length);
    disk[at + HEADER_BYTES - 1] = '\n';
    int turn = (round + seed) % 10;
    for (int i = 0; i < numbers.length; i++) {
      byte each = numbers[i];
      disk[at + HEADER_BYTES + i] = each == '\n' ? each : (byte) ('0' + (each - '0' + turn) % 10);
    }
    return "D " + round + " " + sum(slot(round)) + " " + sum(slot(Math.max(0, round - LATER)));
  }

  private String sum(int slot) {
    return md5(disk, slot * SLOT_BYTES, SLOT_BYTES);
  }

  /** MD5 of the numbers repeated: the guest's work in memory. */
  String memory(int copies) {
    MessageDigest digest = digest();
    for (int i = 0; i < copies; i++) {
      digest.update(numbers);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** MD5 of the whole disk. */
  String sum() {
    return md5(disk, 0, disk.length);
  }

  /** Where two disks differ first, in words; empty when they are the same. */
  String difference(byte[] file) {
    int at = Arrays.mismatch(disk, file);
    return at < 0
        ? ""
        : "disk and pattern differ at byte " + at + " (slot " + at / SLOT_BYTES + ")";
  }

  private static String md5(byte[] bytes, int from, int length) {
    MessageDigest digest = digest();
    digest.update(bytes, from, length);
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("MD5"); // for speed in a slow guest, not against anybody
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The guest's program: rounds until {@code /tmp/stop} is there. */
  String script() {
    return String.join(
        "\n",
        "set -e",
        "R=01234567890123456789; D=/dev/vda; r=0",
        "seq " + first() + " " + (first() + LINES - 1) + " >/tmp/part; mv /tmp/part /tmp/numbers",
        "sum() { dd if=$D iflag=direct bs=64k skip=$(($1 * 2)) count=2 2>/dev/null"
            + " | md5sum | cut -c1-32; }",
        "slot() { echo $((($1 * " + STEP + " + " + seed + ") % " + SLOTS + ")); }",
        "while [ ! -e /tmp/stop ]; do",
        "  s=$(slot $r); d=$(((r + " + seed + ") % 10))",
        "  { printf '%-511s\\n' \"round $r slot $s\";"
            + " tr 0123456789 ${R:$d:10} </tmp/numbers; } >/tmp/chunk",
        "  case $((r % 3)) in",
        "    0) dd if=/tmp/chunk of=$D bs=64k seek=$((s * 2)) oflag=direct conv=notrunc ;;",
        "    1) dd if=/tmp/chunk of=$D bs=4k seek=$((s * 32)) conv=notrunc,fsync ;;",
        "    2) dd if=/tmp/chunk of=$D bs=512 seek=$((s * 256)) conv=notrunc; sync ;;",
        "  esac 2>/dev/null",
        "  o=$((r > " + LATER + " ? r - " + LATER + " : 0))",
        "  echo D $r $(sum $s) $(sum $(slot $o))",
        "  r=$((r + 1))",
        "done",
        "sync");
  }
}
