package duality.store.file;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Notification;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * What a leaving instance tells its successor after it has gone, through a notification of the
 * endpoint: how the requests ended that its threads were in the middle of, and that the state which
 * it saved was its last word.
 *
 * <p>The word: bits 0 to 15 are threads whose request was done, 16 to 31 those whose request
 * failed, 32 to 60 the number of the state; {@link #SERVED}, {@link #SPOILED} and {@link #VALID}.
 */
final class Handover {
  static final int THREADS = 16;

  /** An instance has served here: one that is opened later has a predecessor. */
  private static final long SERVED = 1L << 61;

  /** An instance has gone that left no state, or not all of it. */
  private static final long SPOILED = 1L << 62;

  /** An instance has gone whose state has that number. */
  private static final long VALID = 1L << 63;

  private static final int NUMBER_SHIFT = 32;
  private static final int NUMBER_BITS = 29;
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final Notification word;

  Handover(Context context) {
    word = context.notification("handover");
  }

  /** A number for a state, not zero. */
  static long number() {
    return ThreadLocalRandom.current().nextLong(1, 1L << NUMBER_BITS);
  }

  /** Whether somebody served before. */
  boolean hasPredecessor() {
    return (word.word() & SERVED) != 0;
  }

  void served() {
    word.signal(SERVED);
  }

  /** Nothing that was said before counts any more. */
  void clear() {
    word.clear(~SERVED);
  }

  /** This instance has gone, and a state with that number is all that it left. */
  void gone(long number, long results) {
    signal(VALID | number << NUMBER_SHIFT | results);
  }

  /** This instance has gone without a state. */
  void spoiled() {
    signal(SPOILED);
  }

  /** What was heard was meant for somebody else. */
  void again(long heard) {
    if (heard != 0) {
      signal(heard);
    }
  }

  private void signal(long bits) {
    try {
      word.signal(bits);
    } catch (CallFailed ended) {
      // The endpoint has ended, and nobody comes after.
    }
  }

  /** What the predecessor said, waiting for it a little; 0 when it has said nothing yet. */
  long heard() {
    return word.take(~SERVED, LOOK_NANOS);
  }

  /** Whether a predecessor has gone. */
  static boolean hasGone(long heard) {
    return (heard & (VALID | SPOILED)) != 0;
  }

  /** Whether the state of that number was its last word. */
  static boolean valid(long heard, long number) {
    long said = heard >>> NUMBER_SHIFT & (1L << NUMBER_BITS) - 1;
    return (heard & SPOILED) == 0 && (heard & VALID) != 0 && number == said;
  }

  static long done(int thread) {
    return 1L << thread;
  }

  static long failed(int thread) {
    return 1L << THREADS + thread;
  }
}
