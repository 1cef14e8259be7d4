package duality.kernel.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;

/**
 * Ends calls that were given up, with the help of the polls that the weaver put into server code.
 *
 * <p>The fast path is one opaque read of one word, the same for all threads: how many given-up
 * calls are still inside. Opaque, because a compiler may read a plain field once before a loop and
 * never again; the cost of it is in ADR 6. While the word is not zero every poll of every server
 * looks into its own thread's slot.
 *
 * <p>The error is thrown again as long as the call has not ended, so that no {@code catch
 * (Throwable)} in a loop outlives it. But not at each poll from the first one on: a {@code finally}
 * block that gives back a lock may well call methods. After each of the first {@link
 * CallSlot#LENIENT} errors {@link CallSlot#PAUSE} polls pass without one.
 */
public final class Aborts {
  /** The cores of this JVM, for what is to be traced and belongs to none. */
  static final Set<Core> CORES = new CopyOnWriteArraySet<>();

  private static final VarHandle INSIDE;

  static {
    try {
      INSIDE = MethodHandles.lookup().findStaticVarHandle(Aborts.class, "inside", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Given-up calls whose host thread has not left yet. */
  @SuppressWarnings("UnusedVariable") // through INSIDE
  private static int inside;

  private Aborts() {}

  /** A call that was given up ends with this; never seen by the caller, who has timed out. */
  static final class CallAborted extends Error {
    private static final long serialVersionUID = 1;

    CallAborted(String path) {
      super("a call to " + path + " was given up and ends here");
    }
  }

  /** A server wanted to end the JVM. */
  static final class ExitRefused extends Error {
    private static final long serialVersionUID = 1;

    ExitRefused(String what) {
      super(what + " was called by a server: it ends the server only");
    }
  }

  /** Whether any thread is told to abort a call. */
  public static boolean any() {
    return (int) INSIDE.getOpaque() != 0;
  }

  /** Throws when this thread is told to abort the call that it is in. */
  public static void look() {
    CallSlot.current().poll();
  }

  /** What is thrown in the place of the end of the JVM. */
  public static Error exit(String what) {
    return new ExitRefused(what);
  }

  /** Traces an event that is about classes, and so belongs to no core in particular. */
  public static void trace(String event) {
    CORES.forEach(core -> core.trace(event));
  }

  static int inside() {
    return (int) INSIDE.getVolatile();
  }

  static void begin() {
    INSIDE.getAndAdd(1);
  }

  static void end() {
    INSIDE.getAndAdd(-1);
  }
}
