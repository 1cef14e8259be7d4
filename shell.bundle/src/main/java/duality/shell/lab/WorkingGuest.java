package duality.shell.lab;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.servers.Root;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A guest that works in rounds, each of which needs all of its servers; and a book of the rounds.
 *
 * <p><em>Concurrency:</em> the rounds are typed by a thread of its own; anybody may ask how far it
 * is.
 */
abstract class WorkingGuest implements AutoCloseable {
  /** What each of them says at the end of an answer. */
  private static final String PROMPT = "\r\n> ";

  private static final String ENTER = "\r";

  private static final long COMMAND_SECONDS = 10;
  private static final int REMEMBERED = 4_096;
  private static final int FEW_PAGES = 1;

  /** Between rounds: a guest that is quick shall not use its memory up within a generation. */
  private static final long REST_MILLIS = 3;

  /** More than a pager takes of root at once and may have left. */
  private static final int MANY_PAGES = 4_500;

  private final Root root;
  private final String path;
  private final Thread typist;
  private volatile boolean stopping;
  private volatile int pages = FEW_PAGES;

  /** Guarded by itself: begin and end of rounds that were done whole. */
  private final Deque<long[]> rounds = new ArrayDeque<>();

  /** Guarded by rounds: begin and end of those that were not. */
  private final Deque<long[]> failed = new ArrayDeque<>();

  private long done;

  WorkingGuest(Root root, String path) {
    this.root = root;
    this.path = path;
    typist = Thread.ofPlatform().daemon().name("lab " + path).unstarted(this::work);
  }

  /** Path of its endpoint. */
  final String path() {
    return path;
  }

  /** Who runs it: {@code machine}, {@code trap}, {@code xen}, {@code native}, {@code nucleus}. */
  abstract String structure();

  /** The endpoints of its own that its rounds need, as what follows its path. */
  abstract List<String> parts();

  /** Boots it; it waits for commands. */
  abstract void boot();

  /** Its far end. */
  abstract Console console();

  /** What is typed for a round that takes so many fresh pages. */
  abstract List<String> commands(int freshPages);

  /** Whether that is the answer to a command that was done. */
  abstract boolean answers(String command, String seen);

  /** How it is, as its server says. */
  abstract String state();

  /** Boots it; it works from then on. */
  final void begin() {
    boot();
    typist.start();
  }

  /** How many fresh pages it takes in each round: a few, or so many that its pager asks root. */
  final void manyPages(boolean many) {
    pages = many ? MANY_PAGES : FEW_PAGES;
  }

  private void work() {
    while (!stopping) {
      long begun = System.nanoTime();
      boolean whole = round();
      synchronized (rounds) {
        Deque<long[]> book = whole ? rounds : failed;
        book.add(new long[] {begun, System.nanoTime()});
        done += whole ? 1 : 0;
        if (book.size() > REMEMBERED) {
          book.remove();
        }
      }
      pause(REST_MILLIS);
    }
  }

  /** Says whether all of it was done. */
  private boolean round() {
    try {
      for (String command : commands(pages)) {
        long from = console().position();
        if (console().type(command + ENTER) != command.length() + ENTER.length()) {
          return false;
        }
        if (!answers(command, answered(from, COMMAND_SECONDS))) {
          return false;
        }
      }
      return true;
    } catch (CallFailed gone) {
      clearLine();
      return false;
    }
  }

  /** Whatever a crash left in the guest's line is ended. */
  private void clearLine() {
    try {
      long from = console().position();
      if (console().type(ENTER) == ENTER.length()) {
        String unused = answered(from, COMMAND_SECONDS);
      }
    } catch (CallFailed still) {
      Thread.onSpinWait(); // the call has waited already as long as its deadline allows
    }
  }

  /** What it says from a position on until it asks for more; empty when that takes too long. */
  final String answered(long from, long seconds) {
    return answered(from, 1, seconds);
  }

  /** The same, until it has asked for more so often. */
  final String answered(long from, int times, long seconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    StringBuilder seen = new StringBuilder();
    int asked = 0;
    int looked = 0;
    while (System.nanoTime() - end < 0 && !stopping) {
      seen.append(console().output(from + seen.length(), 65_536, 100));
      for (int at; (at = seen.indexOf(PROMPT, looked)) >= 0; asked++) {
        looked = at + PROMPT.length();
      }
      if (asked >= times) {
        return seen.toString();
      }
    }
    return "";
  }

  private int within(Deque<long[]> book, long fromNanos, long toNanos) {
    synchronized (rounds) {
      return (int)
          book.stream().filter(each -> each[0] - fromNanos >= 0 && each[1] - toNanos <= 0).count();
    }
  }

  /** Rounds that were begun and done within that time. */
  final int roundsWithin(long fromNanos, long toNanos) {
    return within(rounds, fromNanos, toNanos);
  }

  /** Rounds that were begun and failed within that time. */
  final int failedWithin(long fromNanos, long toNanos) {
    return within(failed, fromNanos, toNanos);
  }

  /** Rounds so far. */
  final long done() {
    synchronized (rounds) {
      return done;
    }
  }

  /** How long a round took, the median of the last few; 0 when there were none. */
  final long recentNanos() {
    synchronized (rounds) {
      long[] last =
          rounds.stream()
              .skip(Math.max(0, rounds.size() - 11))
              .mapToLong(each -> each[1] - each[0])
              .sorted()
              .toArray();
      return last.length == 0 ? 0 : last[last.length / 2];
    }
  }

  /** Waits until it has done so many more rounds. */
  final boolean advances(int more, long seconds, BooleanSupplier cancelled) {
    long wanted = done() + more;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (done() < wanted) {
      if (System.nanoTime() - end > 0 || cancelled.getAsBoolean()) {
        return false;
      }
      pause(2);
    }
    return true;
  }

  /** Where it is, for people. */
  final String condition() {
    try {
      long from = Math.max(console().oldest(), console().position() - 300);
      return state()
          + ", it says: "
          + console().output(from, 300, 0).replace("\r", "").replace("\n", " | ");
    } catch (CallFailed e) {
      return String.valueOf(e.getMessage());
    }
  }

  static void pause(long millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  @Override
  public final void close() {
    stopping = true;
    root.remove(path);
  }
}
