package duality.servers.policy;

import duality.kernel.State;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What one scheduler leaves to the next: the threads it knows, those that wait for a processor in
 * the order in which it would have picked them. Schema {@code scheduler}, version 1.
 *
 * @param threads the threads, each once
 */
public record ThreadOrder(List<Known> threads) {
  /** Name of the schema. */
  public static final String SCHEMA = "scheduler";

  /** Newest version of the schema. */
  public static final int VERSION = 1;

  /** Place of a thread that waits in the queue. */
  public static final int QUEUED = -1;

  /** Place of a thread that cannot run now. */
  public static final int ASLEEP = -2;

  /** Largest number of a thread, because of {@link duality.kernel.Scheduler#choice}. */
  private static final int MOST_THREADS = (1 << 24) - 1;

  private static final int MOST_PROCESSORS = 4096;

  /** A century in nanoseconds: what is further ahead was not computed by a scheduler. */
  private static final long MOST_LEAD = 1L << 61;

  /**
   * A thread that a scheduler knows.
   *
   * @param thread its number, at least 1
   * @param weight its share, 1 to 10,000
   * @param place {@link #QUEUED}, {@link #ASLEEP}, or the processor on which it runs
   * @param leadNanos how far its virtual time is ahead of the queue's, in nanoseconds of a thread
   *     of weight 100; 0 when its scheduler keeps none
   */
  public record Known(int thread, int weight, int place, long leadNanos) {}

  /** Copies the list. */
  public ThreadOrder {
    threads = List.copyOf(threads);
  }

  /** The neutral form. */
  public State toState() {
    return State.of(SCHEMA, VERSION)
        .with("threads", threads.stream().mapToLong(Known::thread).toArray())
        .with("weights", threads.stream().mapToLong(Known::weight).toArray())
        .with("places", threads.stream().mapToLong(Known::place).toArray())
        .with("leads", threads.stream().mapToLong(Known::leadNanos).toArray());
  }

  /**
   * Reads the neutral form.
   *
   * @throws State.Refused when it is of another schema, or says something that cannot be: a number
   *     out of range, a thread twice, two threads on one processor
   */
  public static ThreadOrder from(State state) {
    state.expect(SCHEMA, VERSION);
    long[] threads = state.numbers("threads");
    long[] weights = state.numbers("weights");
    long[] places = state.numbers("places");
    long[] leads = state.numbers("leads");
    if (weights.length != threads.length
        || places.length != threads.length
        || leads.length != threads.length) {
      throw new State.Refused(
          "scheduler: "
              + threads.length
              + " threads with "
              + weights.length
              + " weights, "
              + places.length
              + " places and "
              + leads.length
              + " leads");
    }
    List<Known> known = new ArrayList<>();
    Set<Long> seen = new HashSet<>();
    Set<Long> processors = new HashSet<>();
    for (int i = 0; i < threads.length; i++) {
      check("threads", i, threads[i], 1, MOST_THREADS);
      check("weights", i, weights[i], 1, 10_000);
      check("places", i, places[i], ASLEEP, MOST_PROCESSORS - 1);
      check("leads", i, leads[i], 0, MOST_LEAD);
      if (!seen.add(threads[i])) {
        throw new State.Refused("scheduler.threads has thread " + threads[i] + " twice");
      }
      if (places[i] >= 0 && !processors.add(places[i])) {
        throw new State.Refused("scheduler.places has processor " + places[i] + " twice");
      }
      known.add(new Known((int) threads[i], (int) weights[i], (int) places[i], leads[i]));
    }
    return new ThreadOrder(known);
  }

  private static void check(String name, int index, long value, long least, long most) {
    if (value < least || value > most) {
      throw new State.Refused(
          "scheduler."
              + name
              + "["
              + index
              + "] is "
              + value
              + ", outside of "
              + least
              + " to "
              + most);
    }
  }
}
