package duality.kernel;

import duality.kernel.core.Aborts;

/**
 * What the weaver puts into the code of servers; nobody writes calls to it.
 *
 * <p>A call that the watchdog gave up cannot be stopped from outside. So the weaver adds {@link
 * #poll} before every branch that leads backwards and at the start of every method that calls
 * others, and puts {@link #exit} and {@link #halt} in the place of what would end the JVM. Each has
 * the effect on the operand stack of what it replaces.
 *
 * <p><em>Concurrency:</em> any thread. Outside of a call, and in a call that was not given up, the
 * poll has no effect.
 *
 * <p><em>After a swap:</em> no state is kept here.
 */
public final class AbortPoll {
  private AbortPoll() {}

  /**
   * Goes on, or throws an error when the call that this host thread is in was given up. The error
   * is none that {@code catch (Exception)} takes; who catches it gets it again at a later poll.
   */
  public static void poll() {
    if (Aborts.any()) {
      Aborts.look();
    }
  }

  /** In the place of {@link System#exit}: throws an error, which fails the server. */
  public static void exit(int status) {
    throw Aborts.exit("System.exit(" + status + ")");
  }

  /** In the place of {@link Runtime#exit}: throws an error, which fails the server. */
  public static void exit(Runtime runtime, int status) {
    throw Aborts.exit("Runtime.exit(" + status + ")");
  }

  /** In the place of {@link Runtime#halt}: throws an error, which fails the server. */
  public static void halt(Runtime runtime, int status) {
    throw Aborts.exit("Runtime.halt(" + status + ")");
  }

  /** For the weaver: writes one line to the trace of the kernel. */
  public static void trace(String event) {
    Aborts.trace(event);
  }
}
