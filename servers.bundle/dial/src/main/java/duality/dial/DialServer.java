package duality.dial;

import duality.dial.CrossingFactory.Form;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A server in front of another: its instances are those of the other with a price before them. */
final class DialServer implements Server {
  private final Server behind;
  private final Function<String, Price> prices;
  private final ExecutorService threads;
  private final Runnable closed;

  /** Somebody has asked for it and not put it in front of anything yet. */
  private volatile boolean wanted = true;

  /** With what is done when an instance has been closed. */
  DialServer(
      Server behind, Function<String, Price> prices, ExecutorService threads, Runnable closed) {
    this.behind = behind;
    this.prices = prices;
    this.threads = threads;
    this.closed = closed;
  }

  /** Somebody will use it. */
  void want() {
    wanted = true;
  }

  boolean isWanted() {
    return wanted;
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    Instance instance = behind.open(context, saved);
    try {
      Form form = CrossingFactory.of(instance.getClass());
      Crossing crossing = (Crossing) form.constructor().newInstance();
      crossing.stand(instance, prices.apply(context.path()), form.methods(), threads, closed);
      wanted = false;
      return crossing;
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      instance.close();
      throw new IllegalStateException(
          "nothing can stand in front of " + instance.getClass().getName() + ": " + e, e);
    }
  }
}
