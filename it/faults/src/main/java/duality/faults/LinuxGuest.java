package duality.faults;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The oracle for a Linux guest: types at its shell, which writes a disk, reads it back past its
 * cache, sums up memory and tells the time; and knows what must come back, and what must be on the
 * disk.
 */
final class LinuxGuest implements Client {
  private static final int SLOTS = 64;
  private static final int SLOT = 32_768;
  private static final int SECTOR = 512;
  private static final long BOOT_MILLIS = 240_000;

  /** A guest that is emulated on a busy host takes a while for a command. */
  private static final long PATIENCE_MILLIS = 6_000;

  private static final long BACK_MILLIS = 1_500;
  private static final double SLACK_SECONDS = 0.3;
  private static final int NUMBERS = 4_000;

  /** What the shell learns when it is up. Each answers a line: a letter, a number, a word. */
  private static final String[] FUNCTIONS = {
    "seq 1 " + NUMBERS + " >/tmp/n",
    "p() { yes \"round $1 slot $2\" | head -c "
        + SLOT
        + " >/tmp/c; dd if=/tmp/c of=/dev/vda"
        + " bs=32k seek=$2 conv=notrunc,fsync 2>/dev/null; echo P $1 $?; }",
    "q() { yes \"round $1 slot $2\" | head -c "
        + SLOT
        + " >/tmp/c; dd if=/tmp/c of=/dev/vda"
        + " bs=32k seek=$2 oflag=direct conv=notrunc 2>/dev/null; echo Q $1 $?; }",
    "g() { dd if=/dev/vda bs=32k skip=$2 count=1 iflag=direct 2>/dev/null >/tmp/g;"
        + " echo G $1 $(md5sum </tmp/g | cut -c1-32); }",
    // On all harts at once.
    "m() { rm -f /tmp/m*; (for i in $(seq $(nproc)); do md5sum </tmp/n >/tmp/m$i & done; wait);"
        + " echo M $1 $(cat /tmp/m* | sort -u | cut -c1-32); }",
    "t() { r=/sys/class/rtc/rtc0/since_epoch; [ -e $r ] || r=/dev/null; echo T $1"
        + " $(cut -d' ' -f1 /proc/uptime)/$(date +%s)/$(cat $r); }",
    "d() { echo D $1 $(dmesg | grep -cE 'I/O error|Call Trace|Oops|BUG:|rcu.*stall|lockup'); }",
  };

  private static final Pattern TIME = Pattern.compile("([0-9.]+)/(\\d+)/(\\d*)");

  private final ChildJvm child;
  private final String name;
  private final Path disk;
  private final Random random;
  private final byte[] expected = new byte[SLOTS * SLOT];

  /** Slots that a request without an answer may have changed. */
  private final BitSet inDoubt = new BitSet(SLOTS);

  private final String numbers;
  private long position;
  private int number;

  private double timeBefore;
  private long askedBefore;
  private long answeredBefore;

  LinuxGuest(ChildJvm child, String name, Path disk, long seed) {
    this.child = child;
    this.name = name;
    this.disk = disk;
    random = new Random(seed);
    StringBuilder text = new StringBuilder();
    for (int i = 1; i <= NUMBERS; i++) {
      text.append(i).append('\n');
    }
    byte[] bytes = text.toString().getBytes(US_ASCII);
    numbers = md5(bytes, 0, bytes.length);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void boot() throws Deviation, IOException {
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(0);
      file.setLength(expected.length);
    }
    try {
      child.ask(60_000, "machine", name, disk.toString(), "linux");
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BOOT_MILLIS);
    StringBuilder seen = new StringBuilder();
    while (seen.indexOf("# ") < 0) {
      seen.append(output());
      if (System.nanoTime() - end > 0) {
        throw new Deviation(false, "no shell within " + BOOT_MILLIS + " ms: " + seen);
      }
    }
    for (String each : FUNCTIONS) {
      type(each);
      back(PATIENCE_MILLIS);
    }
  }

  @Override
  public void remove() throws Deviation {
    try {
      child.ask(60_000, "remove", name);
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void round() throws Deviation {
    put();
    exactly("m", "", numbers);
    time();
    get();
    exactly("d", "", "0");
  }

  @Override
  public void restart() {
    // It boots for a minute.
  }

  @Override
  public boolean recovers() {
    try {
      position = Long.parseLong(child.ask(BACK_MILLIS, "position", name));
      type("");
      back(BACK_MILLIS);
      timeBefore = 0;
      round();
      return true;
    } catch (ChildJvm.Silent | ChildJvm.Failed | Deviation e) {
      return false;
    }
  }

  private void back(long millis) throws Deviation {
    int number = random.nextInt(1 << 20);
    type("echo back-$((" + number + " + 1))-");
    await(Pattern.compile("back-" + (number + 1) + "-\r?\n"), millis);
  }

  private void put() throws Deviation {
    int slot = random.nextInt(SLOTS);
    byte[] text = ("round " + (number + 1) + " slot " + slot + "\n").getBytes(US_ASCII);
    inDoubt.set(slot);
    exactly(random.nextBoolean() ? "p" : "q", " " + slot, "0");
    inDoubt.clear(slot);
    for (int i = 0; i < SLOT; i++) {
      expected[slot * SLOT + i] = text[i % text.length];
    }
  }

  private void get() throws Deviation {
    int slot = random.nextInt(SLOTS);
    if (inDoubt.get(slot)) {
      answer("g", " " + slot);
    } else {
      exactly("g", " " + slot, md5(expected, slot * SLOT, SLOT));
    }
  }

  /** The guest's clock must have gone on as far as the host's, between the looks at both. */
  private void time() throws Deviation {
    long asked = System.nanoTime();
    long wallAsked = System.currentTimeMillis() / 1000;
    String answer = answer("t", "");
    long answered = System.nanoTime();
    Matcher matcher = TIME.matcher(answer);
    if (!matcher.matches()) {
      throw new Deviation(true, "the time: " + answer);
    }
    double now = Double.parseDouble(matcher.group(1));
    if (timeBefore != 0) {
      double least = (asked - answeredBefore) / 1e9 - SLACK_SECONDS;
      double most = (answered - askedBefore) / 1e9 + SLACK_SECONDS;
      if (now - timeBefore < least || now - timeBefore > most) {
        throw new Deviation(
            true,
            "the clock went on by %.2f s, not %.2f to %.2f"
                .formatted(now - timeBefore, least, most));
      }
    }
    for (int i = 2; i <= 3; i++) {
      String wall = matcher.group(i);
      if (!wall.isEmpty()
          && (Long.parseLong(wall) < wallAsked - 2
              || Long.parseLong(wall) > System.currentTimeMillis() / 1000 + 2)) {
        throw new Deviation(true, "the calendar is wrong: " + answer);
      }
    }
    timeBefore = now;
    askedBefore = asked;
    answeredBefore = answered;
  }

  private void exactly(String function, String arguments, String right) throws Deviation {
    String answer = answer(function, arguments);
    if (!answer.equals(right)) {
      // What the guest says of an error is no wrong answer: it knows.
      boolean error = function.equals("p") || function.equals("q") || function.equals("d");
      throw new Deviation(!error, function + arguments + ": " + answer + ", not " + right);
    }
  }

  /** Calls a function of the shell; answers the word that it says. */
  private String answer(String function, String arguments) throws Deviation {
    int call = ++number;
    type(function + " " + call + arguments);
    String letter = function.toUpperCase(Locale.ROOT);
    return await(Pattern.compile("\n" + letter + " " + call + " (\\S*)\r?\n"), PATIENCE_MILLIS)
        .group(1);
  }

  private void type(String line) throws Deviation {
    try {
      String taken = child.ask(PATIENCE_MILLIS, "type", name, line + "\r");
      if (!taken.equals("" + (line.length() + 1))) {
        throw new Deviation(true, "the console took " + taken + " of '" + line + "'");
      }
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
  }

  private String output() throws Deviation {
    try {
      String more = child.ask(PATIENCE_MILLIS, "output", name, "" + position);
      position += more.length();
      return more;
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
  }

  private Matcher await(Pattern pattern, long millis) throws Deviation {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    StringBuilder seen = new StringBuilder();
    while (true) {
      seen.append(output());
      Matcher matcher = pattern.matcher(seen);
      if (matcher.find()) {
        return matcher;
      }
      if (System.nanoTime() - end > 0) {
        String shown = seen.length() > 160 ? seen.substring(seen.length() - 160) : "" + seen;
        throw new Deviation(false, "no " + pattern + " within " + millis + " ms: " + shown);
      }
    }
  }

  @Override
  public int firstWrongSector() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "r")) {
      byte[] actual = new byte[expected.length];
      if (file.length() != expected.length) {
        return SLOTS * SLOT / SECTOR;
      }
      file.readFully(actual);
      for (int slot = 0; slot < SLOTS; slot++) {
        int from = slot * SLOT;
        int at = Arrays.mismatch(actual, from, from + SLOT, expected, from, from + SLOT);
        if (at >= 0 && !inDoubt.get(slot)) {
          return (from + at) / SECTOR;
        }
      }
      return -1;
    }
  }

  private static String md5(byte[] bytes, int from, int length) {
    try {
      // For speed in a slow guest, not against anybody.
      MessageDigest digest = MessageDigest.getInstance("MD5");
      digest.update(bytes, from, length);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
