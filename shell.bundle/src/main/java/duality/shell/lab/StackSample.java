package duality.shell.lab;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where this system's threads spend their time, by looks at their stacks: in the engine, the core,
 * or a server. The innermost class of ours counts, so what a server has the JDK do is the server's.
 *
 * <p>A look stops all threads at a place where the JVM can stop them, which leans towards loops.
 */
final class StackSample implements AutoCloseable {
  private static final long PERIOD_NANOS = 5_000_000;

  /** Whose time it is. */
  enum Part {
    ENGINE,
    CORE,
    SERVERS
  }

  private final Map<Part, Integer> looks = new EnumMap<>(Part.class);
  private final Thread thread = Thread.ofPlatform().daemon().name("lab sample").start(this::sample);
  private volatile boolean closed;

  private void sample() {
    while (!closed) {
      LockSupport.parkNanos(PERIOD_NANOS);
      for (Map.Entry<Thread, StackTraceElement[]> each : Thread.getAllStackTraces().entrySet()) {
        if (each.getKey().getState() == Thread.State.RUNNABLE) {
          Part part = part(each.getValue());
          if (part != null) {
            synchronized (looks) {
              looks.merge(part, 1, Integer::sum);
            }
          }
        }
      }
    }
  }

  /** Whose that stack is; null when it is nobody's of the system. */
  static @Nullable Part part(StackTraceElement[] stack) {
    return part(Arrays.stream(stack).map(StackTraceElement::getClassName));
  }

  /** The same by the names of the classes, the innermost first. */
  static @Nullable Part part(Stream<String> classes) {
    for (Iterator<String> names = classes.iterator(); names.hasNext(); ) {
      String name = names.next();
      if (name.startsWith("duality.shell.") || name.startsWith("duality.guests.")) {
        return null; // people and scripts, and this experiment itself
      }
      if (name.startsWith("duality.processor.")) {
        return Part.ENGINE;
      }
      if (name.startsWith("duality.kernel.")) {
        return Part.CORE;
      }
      if (name.startsWith("duality.")) {
        return Part.SERVERS;
      }
    }
    return null;
  }

  /** The share of a part in all looks so far; 0 when there were none. */
  double share(Part part) {
    synchronized (looks) {
      int all = all();
      return all == 0 ? 0 : (double) looks.getOrDefault(part, 0) / all;
    }
  }

  /** How many looks found a thread of the system at work. */
  int all() {
    synchronized (looks) {
      return looks.values().stream().mapToInt(Integer::intValue).sum();
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
