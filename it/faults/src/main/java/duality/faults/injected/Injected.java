package duality.faults.injected;

import duality.kernel.Context;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The faults that are calls: put before an instruction, each leaves the operand stack as the
 * original has it there. Loaded by the mutant's bundle, as its own class.
 */
public final class Injected {
  private static final long SLOW_MILLIS = 20;
  private static final long HAUNT_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final List<Object> HELD = Collections.synchronizedList(new ArrayList<>());

  private Injected() {}

  /** Throws. */
  public static void raise() {
    throw new IllegalStateException("injected");
  }

  /** Never ends, and burns its processor. */
  public static void loop() {
    long rounds = 0;
    while (rounds >= 0) {
      rounds = rounds + 1 & Long.MAX_VALUE;
    }
  }

  /** Never ends, and waits, whatever interrupts it. */
  public static void await() {
    while (true) {
      LockSupport.park();
    }
  }

  /** Answers late. */
  public static void slow() {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SLOW_MILLIS);
    for (long left; (left = end - System.nanoTime()) > 0; ) {
      LockSupport.parkNanos(left);
    }
  }

  /** Ends the JVM, if it is let. */
  public static void exit() {
    System.exit(41);
  }

  /** Ends the JVM in a way that the weaver does not see. */
  public static void reflect() {
    try {
      System.class.getMethod("exit", int.class).invoke(null, 42);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Hours of work inside of the JDK, without a poll. */
  public static void burn() {
    BigInteger big = BigInteger.ONE.shiftLeft(400_000).subtract(BigInteger.ONE);
    if (BigInteger.valueOf(3).modPow(big, big).signum() == 0) {
      throw new IllegalStateException();
    }
  }

  /** Takes all of the heap and keeps it for as long as it can. */
  public static void fill() {
    List<long[]> held = new ArrayList<>();
    for (int size = 1 << 20; size > 0; size >>= 1) {
      try {
        while (true) {
          held.add(new long[size]);
        }
      } catch (OutOfMemoryError e) {
        HELD.add(held);
      }
    }
    await();
  }

  /** A write to nowhere. */
  @SuppressWarnings("restricted")
  public static void crash() {
    MemorySegment.ofAddress(0).reinterpret(8).set(ValueLayout.JAVA_LONG, 0, 1);
  }

  /** Another number. */
  public static int wrong(int right) {
    return right ^ 1;
  }

  /** Another number. */
  public static long wrong(long right) {
    return right + 1;
  }

  /** Another value for a state record. */
  public static Object corrupt(Object right) {
    return switch (right) {
      case Long number -> number + 1;
      case Integer number -> number + 1;
      case Boolean flag -> !flag;
      case String text -> text + "?";
      case long[] numbers when numbers.length > 0 -> {
        long[] other = numbers.clone();
        other[other.length / 2]++;
        yield other;
      }
      case byte[] bytes when bytes.length > 0 -> {
        byte[] other = bytes.clone();
        other[other.length / 2]++;
        yield other;
      }
      case List<?> list when !list.isEmpty() -> List.copyOf(list.subList(1, list.size()));
      case State state -> State.of(state.schema(), state.version() + 1);
      default -> "corrupt";
    };
  }

  /** Goes on using what an instance was given, also when the instance and its bundle are gone. */
  public static void haunt(Context context) {
    Thread ghost =
        new Thread(
            () -> {
              long end = System.nanoTime() + HAUNT_NANOS;
              while (System.nanoTime() - end < 0) {
                for (String name : List.of("uart", "rtc", "blk0", "ports", "frames")) {
                  touch(context, name);
                }
                LockSupport.parkNanos(1_000_000);
              }
            },
            "ghost of " + context.path());
    ghost.setDaemon(true);
    ghost.start();
  }

  private static void touch(Context context, String name) {
    try {
      context.notification(name).signal(-1);
      context.space("ghost").mappedPages();
      context.removeChild("ghost");
      context.keep("ghost", context.notification("ghost"));
    } catch (RuntimeException e) {
      // Refused, as it should be.
    }
  }
}
