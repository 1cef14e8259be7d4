package duality.shell.lab;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Processor time of host threads up to a moment, by the host's own account. Waiting is not in it,
 * nor what other programs of the host do meanwhile.
 *
 * @param nanos by number of the thread
 */
record ThreadTimes(Map<Long, Long> nanos) {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Of all threads with such names. */
  static ThreadTimes now(Predicate<String> names) {
    Map<Long, Long> all = new HashMap<>();
    for (ThreadInfo each : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
      if (each != null && names.test(each.getThreadName())) {
        long time = THREADS.getThreadCpuTime(each.getThreadId());
        if (time >= 0) {
          all.put(each.getThreadId(), time);
        }
      }
    }
    return new ThreadTimes(all);
  }

  /** What those that are still there took since. */
  long since(ThreadTimes before) {
    long sum = 0;
    for (Map.Entry<Long, Long> each : nanos.entrySet()) {
      sum += each.getValue() - before.nanos.getOrDefault(each.getKey(), 0L);
    }
    return sum;
  }

  /** The calling thread's so far. */
  static long own() {
    return THREADS.getCurrentThreadCpuTime();
  }
}
