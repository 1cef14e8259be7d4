package duality.faults;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The oracle for one nano guest: types commands at its console and knows what must come back, byte
 * for byte, and what must be on its disk.
 */
final class Guest implements Client {
  static final int SECTORS = 256;
  private static final int SECTOR = 512;
  private static final long MIX = 0xd1342543de82ef95L;
  private static final long SLACK_NANOS = TimeUnit.MILLISECONDS.toNanos(30);
  private static final Pattern TIME =
      Pattern.compile("time (\\d+) ticks, (\\d+) ns, wall (\\d+) ns");

  private final ChildJvm child;
  private final Random random;
  final String name;
  final Path disk;
  private final String image;
  private long patienceMillis;
  private long position;

  /** What is on the disk, and which sectors a request without an answer may have changed. */
  private final byte[] expected = new byte[SECTORS * SECTOR];

  private final BitSet inDoubt = new BitSet(SECTORS);

  private long timeBefore;
  private long askedBefore;
  private long answeredBefore;

  Guest(ChildJvm child, String name, Path disk, long seed, long patienceMillis) {
    this(child, name, "nano", disk, seed, patienceMillis);
  }

  /**
   * @param image of nano, which says on which monitor it runs
   */
  Guest(ChildJvm child, String name, String image, Path disk, long seed, long patienceMillis) {
    this.child = child;
    this.name = name;
    this.image = image;
    this.disk = disk;
    this.patienceMillis = patienceMillis;
    random = new Random(seed);
  }

  /** How long its answers are waited for from now on, in milliseconds. */
  void patience(long millis) {
    patienceMillis = millis;
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
      child.ask(100_000, "machine", name, disk.toString(), image);
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
    position = 0;
    await(Pattern.compile("nano: ready\r\n> "), 100_000);
  }

  @Override
  public void remove() throws Deviation {
    try {
      child.ask(100_000, "remove", name);
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void round() throws Deviation {
    word();
    sum();
    put();
    touch();
    time();
    get();
    flush();
    idle();
  }

  @Override
  public void restart() throws Deviation {
    try {
      for (String verb : new String[] {"report", "pause", "resume", "stop"}) {
        child.ask(patienceMillis, "power", name, verb);
      }
      position = Long.parseLong(child.ask(patienceMillis, "position", name));
      child.ask(patienceMillis, "power", name, "start");
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, "off and on: " + e.getMessage());
    }
    timeBefore = 0;
    await(Pattern.compile("nano: ready\r\n> "), patienceMillis);
    round();
  }

  /** Finds the prompt again. */
  @Override
  public boolean recovers() {
    try {
      child.ask(patienceMillis, "position", name);
      position = Long.parseLong(child.ask(patienceMillis, "position", name));
      // An empty line first: what was typed before may stand in the guest's line still.
      child.ask(patienceMillis, "type", name, "\r");
      String marker = "back" + random.nextInt(1_000_000);
      child.ask(patienceMillis, "type", name, "echo " + marker + "\r");
      await(Pattern.compile("\r\n" + marker + "\r\n> "), patienceMillis);
      timeBefore = 0;
      round();
      return true;
    } catch (ChildJvm.Silent | ChildJvm.Failed | Deviation e) {
      return false;
    }
  }

  private void word() throws Deviation {
    StringBuilder text = new StringBuilder();
    int length = 1 + random.nextInt(60);
    for (int i = 0; i < length; i++) {
      text.append((char) ('!' + random.nextInt('~' - '!')));
    }
    exactly("echo " + text, text.toString());
  }

  private void sum() throws Deviation {
    int rounds = random.nextInt(3000);
    long x = 0x9e3779b97f4a7c15L;
    for (int i = 0; i < rounds; i++) {
      x = (x ^ i) * MIX;
      x ^= x >>> 29;
    }
    exactly("sum " + rounds, "sum " + rounds + " = 0x" + Long.toHexString(x));
  }

  private void touch() throws Deviation {
    int pages = 1 + random.nextInt(4);
    exactly("touch " + pages, "touched " + pages + " pages, " + pages + " faults, all zero");
  }

  private void idle() throws Deviation {
    long asked = System.nanoTime();
    Matcher answer = matching("idle 1", Pattern.compile("idle 1 ticks, (\\d+) ns"));
    long most = System.nanoTime() - asked + SLACK_NANOS;
    if (Long.parseLong(answer.group(1)) > most) {
      throw new Deviation(true, "idle: " + answer.group() + " of at most " + most);
    }
  }

  /** The guest's clock must have gone on as far as the host's, between the looks at both. */
  private void time() throws Deviation {
    long asked = System.nanoTime();
    long wallAsked = System.currentTimeMillis();
    Matcher answer = matching("time", TIME);
    long answered = System.nanoTime();
    long now = Long.parseLong(answer.group(2));
    if (timeBefore != 0) {
      long least = asked - answeredBefore - SLACK_NANOS;
      long most = answered - askedBefore + SLACK_NANOS;
      long progress = now - timeBefore;
      if (progress < least || progress > most) {
        throw new Deviation(
            true, "the clock went on by " + progress + " ns, not " + least + " to " + most);
      }
    }
    long wallMillis = TimeUnit.NANOSECONDS.toMillis(Long.parseLong(answer.group(3)));
    if (wallMillis < wallAsked - 1_000 || wallMillis > System.currentTimeMillis() + 1_000) {
      throw new Deviation(true, "the calendar is wrong: " + answer.group());
    }
    timeBefore = now;
    askedBefore = asked;
    answeredBefore = answered;
  }

  private void put() throws Deviation {
    int count = 1 + random.nextInt(8);
    int sector = random.nextInt(SECTORS - count);
    long seed = random.nextInt(1 << 30);
    byte[] written = new byte[count * SECTOR];
    ByteBuffer words = ByteBuffer.wrap(written).order(ByteOrder.LITTLE_ENDIAN);
    long x = seed;
    while (words.hasRemaining()) {
      x = x * 0x5851f42d4c957f2dL + 0x14057b7ef767814fL;
      words.putLong(x);
    }
    inDoubt.set(sector, sector + count);
    String what = "put " + sector + " " + count + " " + seed;
    exactly(what, what + ": status 0");
    inDoubt.clear(sector, sector + count);
    System.arraycopy(written, 0, expected, sector * SECTOR, written.length);
  }

  private void get() throws Deviation {
    int count = 1 + random.nextInt(8);
    int sector = random.nextInt(SECTORS - count);
    int doubtful = inDoubt.nextSetBit(sector);
    String what = "get " + sector + " " + count;
    if (doubtful >= 0 && doubtful < sector + count) {
      matching(what, Pattern.compile(Pattern.quote(what) + " = 0x[0-9a-f]+: status 0"));
      return;
    }
    long x = 0x9e3779b97f4a7c15L;
    ByteBuffer words =
        ByteBuffer.wrap(expected, sector * SECTOR, count * SECTOR).order(ByteOrder.LITTLE_ENDIAN);
    while (words.hasRemaining()) {
      x = (x ^ words.getLong()) * MIX;
      x ^= x >>> 29;
    }
    exactly(what, what + " = 0x" + Long.toHexString(x) + ": status 0");
  }

  private void flush() throws Deviation {
    exactly("flush", "flush: status 0");
  }

  @Override
  public int firstWrongSector() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "r")) {
      byte[] actual = new byte[expected.length];
      if (file.length() != expected.length) {
        return SECTORS;
      }
      file.readFully(actual);
      for (int sector = 0; sector < SECTORS; sector++) {
        int from = sector * SECTOR;
        if (!inDoubt.get(sector)
            && !Arrays.equals(actual, from, from + SECTOR, expected, from, from + SECTOR)) {
          return sector;
        }
      }
      return -1;
    }
  }

  private void exactly(String command, String answer) throws Deviation {
    matching(command, Pattern.compile(Pattern.quote(answer)));
  }

  /** Types a line; its echo, the answer and a new prompt must come, and nothing else. */
  private Matcher matching(String command, Pattern answer) throws Deviation {
    try {
      String taken = child.ask(patienceMillis, "type", name, command + "\r");
      if (!taken.equals("" + (command.length() + 1))) {
        throw new Deviation(true, "the console took " + taken + " of '" + command + "'");
      }
    } catch (ChildJvm.Failed | ChildJvm.Silent e) {
      throw new Deviation(false, String.valueOf(e.getMessage()));
    }
    return await(
        Pattern.compile(Pattern.quote(command) + "\r\n" + answer.pattern() + "\r\n> "),
        patienceMillis);
  }

  /** Reads until the pattern is all that came, or cannot be any more. */
  private Matcher await(Pattern pattern, long millis) throws Deviation {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    StringBuilder seen = new StringBuilder();
    boolean boot = pattern.pattern().startsWith("nano") || pattern.pattern().startsWith("\r\nback");
    while (true) {
      String more;
      try {
        more = child.ask(millis, "output", name, "" + (position + seen.length()));
      } catch (ChildJvm.Failed | ChildJvm.Silent e) {
        throw new Deviation(false, String.valueOf(e.getMessage()));
      }
      seen.append(more);
      Matcher matcher = pattern.matcher(seen);
      if (boot ? matcher.find() && matcher.end() == seen.length() : matcher.matches()) {
        position += seen.length();
        return matcher;
      }
      if (!boot && seen.length() > 0) {
        matcher.matches();
        if (!matcher.hitEnd() || seen.indexOf("nano: trap") >= 0) {
          throw new Deviation(true, "not " + pattern + " but " + shown(seen));
        }
      }
      if (System.nanoTime() - end > 0) {
        throw new Deviation(false, "no " + pattern + " within " + millis + " ms: " + shown(seen));
      }
    }
  }

  private static String shown(CharSequence text) {
    String all = text.toString().replace("\r\n", "|");
    return all.length() > 120 ? all.substring(0, 120) + "…" : all;
  }
}
