package duality.weaver;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** A server in whose code everything can be found that must not bring others down. */
public final class Misbehaving implements Server {
  /** How far the deed's thread got; counted by what must stop. */
  public static volatile long rounds;

  /** Taken by a deed, and to be given back when it is aborted. */
  public static final ReentrantLock LOCK = new ReentrantLock();

  private static long depth;

  /** For the loader of the test. */
  public Misbehaving() {}

  @Override
  public Instance open(Context context, @Nullable State saved) {
    switch (context.config("open", "")) {
      case "exit" -> System.exit(3);
      case "loop" -> new Loop();
      default -> {}
    }
    return new Serving();
  }

  /** A constructor that never ends. */
  private static final class Loop {
    Loop() {
      this(rounds());
    }

    @SuppressWarnings("InfiniteLoopExpression")
    private Loop(long start) {
      while (start >= 0) {
        rounds++;
      }
    }

    private static long rounds() {
      return 1;
    }
  }

  /** A class initialiser that never ends. */
  private static final class Initialised {
    static long value = 1;

    static {
      while (value > 0) {
        rounds++;
      }
    }
  }

  /** The instance. */
  @SuppressWarnings({"CatchAndPrintStackTrace", "EmptyCatch", "ThreadSleep"})
  private static final class Serving implements Deed, Instance {
    @Override
    public long run(String name) {
      return switch (name) {
        case "good" -> 42;
        case "loop" -> {
          while (true) {
            rounds++;
          }
        }
        case "for" -> {
          long sum = 0;
          for (int i = 0; i >= 0; i = (i + 1) & 0xFFFF) {
            sum += i;
            rounds = sum;
          }
          yield sum;
        }
        case "do" -> {
          do {
            rounds++;
          } while (rounds != 0);
          yield 0;
        }
        case "switch" -> jumpingBack();
        case "catch" -> {
          while (true) {
            try {
              while (true) {
                rounds++;
              }
            } catch (Throwable e) {
              rounds++;
            }
          }
        }
        case "constructor" -> {
          Loop unused = new Loop();
          yield 0;
        }
        case "initialiser" -> Initialised.value;
        case "recursion" -> recurse(0);
        case "tree" -> tree(200);
        case "sleep" -> {
          while (true) {
            try {
              TimeUnit.HOURS.sleep(1);
            } catch (InterruptedException e) {
              rounds++;
            }
          }
        }
        case "wait" -> {
          synchronized (this) {
            while (true) {
              try {
                wait();
              } catch (InterruptedException e) {
                rounds++;
              }
            }
          }
        }
        case "locked" -> {
          LOCK.lock();
          try {
            synchronized (LOCK) {
              while (true) {
                rounds++;
              }
            }
          } finally {
            tidy();
            LOCK.unlock();
          }
        }
        case "exit" -> {
          System.exit(3);
          yield 0;
        }
        case "runtime exit" -> {
          Runtime.getRuntime().exit(3);
          yield 0;
        }
        case "halt" -> {
          Runtime.getRuntime().halt(3);
          yield 0;
        }
        case "reference" -> {
          IntConsumer exit = System::exit;
          exit.accept(3);
          yield 0;
        }
        case "heap" -> {
          List<long[]> held = new ArrayList<>();
          while (true) {
            held.add(new long[1 << 17]);
          }
        }
        case "jdk" -> BigInteger.TWO.shiftLeft(1 << 28).add(BigInteger.ONE).pow(50).bitLength();
        default -> throw new IllegalArgumentException(name);
      };
    }

    /** What a finally block may well call. */
    private static void tidy() {
      for (int i = 0; i < 100; i++) {
        note();
      }
    }

    private static void note() {
      depth += Long.bitCount(rounds);
    }

    private static long jumpingBack() {
      int state = 0;
      while (true) {
        switch (state & 3) {
          case 0:
            state = 1;
            continue;
          case 1:
            state = 2;
            continue;
          default:
            state = 0;
            rounds++;
            continue;
        }
      }
    }

    private static long recurse(long level) {
      try {
        return recurse(level + 1) + 1;
      } finally {
        rounds = level;
      }
    }

    /** Not deep, but with more calls than there is time for. */
    private static long tree(int levels) {
      rounds++;
      return levels == 0 ? 1 : tree(levels - 1) + tree(levels - 1);
    }

    @Override
    public State save() {
      return State.of("misbehaving", 1);
    }
  }
}
