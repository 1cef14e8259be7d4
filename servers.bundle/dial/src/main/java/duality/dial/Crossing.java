package duality.dial;

import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.State;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * An instance in front of another. The generated subclass implements the protocol: it pays, then
 * calls the one behind, or has another thread do so. The {@code $} methods are for generated code.
 */
public abstract class Crossing implements Instance {
  private Instance behind;
  private Price price;
  private Method[] methods;
  private ExecutorService threads;
  private Runnable closed;

  /** For generated code. */
  @SuppressWarnings("NullAway.Init")
  protected Crossing() {}

  final void stand(
      Instance before, Price paid, Method[] calls, ExecutorService others, Runnable gone) {
    closed = gone;
    behind = before;
    price = paid;
    methods = calls;
    threads = others;
  }

  /** Pays for a call; says whether it is to be handed off. */
  protected final boolean $pay() {
    price.pay();
    return price.handOff;
  }

  /** The one behind. */
  protected final Object $behind() {
    return behind;
  }

  /** Has another thread make the call of that number, and waits for it. */
  protected final Object $handOff(int method, Object[] arguments) throws Throwable {
    Future<Object> made = threads.submit(() -> methods[method].invoke(behind, arguments));
    try {
      return made.get();
    } catch (ExecutionException e) {
      Throwable thrown = e.getCause();
      throw thrown instanceof InvocationTargetException inside && inside.getCause() != null
          ? inside.getCause()
          : thrown == null ? e : thrown;
    } catch (InterruptedException e) {
      made.cancel(true);
      Thread.currentThread().interrupt();
      throw new CallFailed.TimedOut("interrupted while another thread made the call");
    }
  }

  @Override
  public final State save() {
    return behind.save();
  }

  @Override
  public final void check() {
    behind.check();
  }

  @Override
  public final void hurry() {
    behind.hurry();
  }

  @Override
  public final void ended() {
    behind.ended();
  }

  @Override
  public final void close() {
    try {
      behind.close();
    } finally {
      closed.run();
    }
  }
}
