package duality.kernel;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Says which thread runs next, where, and for how long. The kernel keeps the truth about which
 * threads can run; the scheduler holds an order over them. Processors are numbered from 0.
 *
 * <p>A scheduler is dropped, and the order of last resort stands in, when it throws, does not
 * answer within its deadline (20 ms when it sleeps), picks a thread that does not exist, gives a
 * slice of 0, picks nobody for 20 ms while a thread can run, picks for 20 ms only what cannot run,
 * or passes over one thread for a second (60 ms more for each other one that can run).
 *
 * <p><em>Concurrency:</em> called by all processors at once.
 *
 * <p><em>After a swap:</em> the kernel tells the new scheduler every thread that can run by {@link
 * #ready}; one that it knows from the saved state already must not be queued twice.
 */
@ConsumerType
@Protocol(rank = Protocol.SCHEDULER, deadlineMillis = 100)
public interface Scheduler {
  /** Answer of {@link #pick}: nobody can run. */
  long NOBODY = 0;

  /** Answer of {@link #ready}: nobody has to make room. */
  int NO_PROCESSOR = -1;

  /**
   * A thread can run from now on: it woke, or was made, or its weight changed. It may run at this
   * moment: then it must not be forgotten when {@link #ran} says that it sleeps, because this came
   * later; the kernel passes over a picked thread that cannot run after all.
   *
   * @param thread its number, at least 1
   * @param weight its share, 1 to 10,000; 100 is the normal one
   * @return the processor whose thread should make room for it, or {@link #NO_PROCESSOR}
   */
  int ready(int thread, int weight);

  /** A thread cannot run any more: it was suspended or has ended. */
  void gone(int thread);

  /**
   * Takes the thread that shall run on {@code processor} out of the order.
   *
   * @return {@link #choice} of a thread and its time slice, or {@link #NOBODY}
   */
  long pick(int processor);

  /**
   * The picked thread came back.
   *
   * @param nanos processor time it used
   * @param ready whether it can go on running and is to be queued again
   */
  void ran(int processor, int thread, long nanos, boolean ready);

  /**
   * Packs a thread (at least 1) and a slice (1 to 2^39 ns) into the answer of {@link #pick}. The
   * kernel makes a slice at least 20 µs and at most 100 ms long: so often it asks again.
   */
  static long choice(int thread, long sliceNanos) {
    return ((long) thread << 40) | (sliceNanos & 0xFF_FFFF_FFFFL);
  }

  /** The thread of a choice. */
  static int thread(long choice) {
    return (int) (choice >>> 40);
  }

  /** The slice of a choice, in nanoseconds. */
  static long sliceNanos(long choice) {
    return choice & 0xFF_FFFF_FFFFL;
  }
}
