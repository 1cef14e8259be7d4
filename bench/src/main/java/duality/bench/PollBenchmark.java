package duality.bench;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.MutableCallSite;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an abort poll in every round of a loop costs, by the way in which its flag is read: a plain
 * field (which the compiler may read once before the loop, so that it stops nothing), an opaque and
 * a volatile one, and a call site that is changed to abort.
 *
 * <p>Three loops, from the one that suffers most to an ordinary one: the sum of an array (which the
 * compiler turns into vector instructions when nothing stands in its way), a checksum of bytes and
 * a walk along a list, as a server goes through its table.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(2)
public class PollBenchmark {
  private static final int LENGTH = 1024;
  private static final VarHandle OPAQUE;
  private static final MethodHandle SITE;

  static {
    try {
      OPAQUE = MethodHandles.lookup().findStaticVarHandle(PollBenchmark.class, "told", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
    MutableCallSite site =
        new MutableCallSite(MethodHandles.empty(MethodType.methodType(void.class)));
    SITE = site.dynamicInvoker();
  }

  private static int told;
  private static volatile int toldVolatile;

  private record Node(int value, @Nullable Node next) {}

  private final int[] numbers = new int[LENGTH];
  private final byte[] bytes = new byte[LENGTH];
  private @Nullable Node list;

  /** Fills the three structures. */
  public PollBenchmark() {
    @Nullable Node head = null;
    for (int i = 0; i < LENGTH; i++) {
      numbers[i] = i * 31;
      bytes[i] = (byte) (i * 7);
      head = new Node(i, head);
    }
    list = head;
  }

  private static void aborted() {
    throw new IllegalStateException("nobody aborts in this benchmark");
  }

  private static void plain() {
    if (told != 0) {
      aborted();
    }
  }

  private static void opaque() {
    if ((int) OPAQUE.getOpaque() != 0) {
      aborted();
    }
  }

  private static void ofVolatile() {
    if (toldVolatile != 0) {
      aborted();
    }
  }

  private static void site() {
    try {
      SITE.invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Adds up an array. */
  @Benchmark
  public int sumWithout() {
    int sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += numbers[i];
    }
    return sum;
  }

  /** A checksum of bytes. */
  @Benchmark
  public int checksumWithout() {
    int sum = 1;
    for (int i = 0; i < LENGTH; i++) {
      sum = sum * 31 + bytes[i];
    }
    return sum;
  }

  /** A walk along a list. */
  @Benchmark
  public int walkWithout() {
    int found = 0;
    for (Node each = list; each != null; each = each.next) {
      if (each.value % 3 == 0) {
        found++;
      }
    }
    return found;
  }

  /** Adds up an array. */
  @Benchmark
  public int sumPlain() {
    int sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += numbers[i];
      plain();
    }
    return sum;
  }

  /** A checksum of bytes. */
  @Benchmark
  public int checksumPlain() {
    int sum = 1;
    for (int i = 0; i < LENGTH; i++) {
      sum = sum * 31 + bytes[i];
      plain();
    }
    return sum;
  }

  /** A walk along a list. */
  @Benchmark
  public int walkPlain() {
    int found = 0;
    for (Node each = list; each != null; each = each.next) {
      if (each.value % 3 == 0) {
        found++;
      }
      plain();
    }
    return found;
  }

  /** Adds up an array. */
  @Benchmark
  public int sumOpaque() {
    int sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += numbers[i];
      opaque();
    }
    return sum;
  }

  /** A checksum of bytes. */
  @Benchmark
  public int checksumOpaque() {
    int sum = 1;
    for (int i = 0; i < LENGTH; i++) {
      sum = sum * 31 + bytes[i];
      opaque();
    }
    return sum;
  }

  /** A walk along a list. */
  @Benchmark
  public int walkOpaque() {
    int found = 0;
    for (Node each = list; each != null; each = each.next) {
      if (each.value % 3 == 0) {
        found++;
      }
      opaque();
    }
    return found;
  }

  /** Adds up an array. */
  @Benchmark
  public int sumVolatile() {
    int sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += numbers[i];
      ofVolatile();
    }
    return sum;
  }

  /** A checksum of bytes. */
  @Benchmark
  public int checksumVolatile() {
    int sum = 1;
    for (int i = 0; i < LENGTH; i++) {
      sum = sum * 31 + bytes[i];
      ofVolatile();
    }
    return sum;
  }

  /** A walk along a list. */
  @Benchmark
  public int walkVolatile() {
    int found = 0;
    for (Node each = list; each != null; each = each.next) {
      if (each.value % 3 == 0) {
        found++;
      }
      ofVolatile();
    }
    return found;
  }

  /** Adds up an array. */
  @Benchmark
  public int sumCallSite() {
    int sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += numbers[i];
      site();
    }
    return sum;
  }

  /** A checksum of bytes. */
  @Benchmark
  public int checksumCallSite() {
    int sum = 1;
    for (int i = 0; i < LENGTH; i++) {
      sum = sum * 31 + bytes[i];
      site();
    }
    return sum;
  }

  /** A walk along a list. */
  @Benchmark
  public int walkCallSite() {
    int found = 0;
    for (Node each = list; each != null; each = each.next) {
      if (each.value % 3 == 0) {
        found++;
      }
      site();
    }
    return found;
  }
}
