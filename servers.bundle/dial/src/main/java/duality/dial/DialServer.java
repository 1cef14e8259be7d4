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

  DialServer(Server behind, Function<String, Price> prices, ExecutorService threads) {
    this.behind = behind;
    this.prices = prices;
    this.threads = threads;
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    Instance instance = behind.open(context, saved);
    try {
      Form form = CrossingFactory.of(instance.getClass());
      Crossing crossing = (Crossing) form.constructor().newInstance();
      crossing.stand(instance, prices.apply(context.path()), form.methods(), threads);
      return crossing;
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      instance.close();
      throw new IllegalStateException(
          "nothing can stand in front of " + instance.getClass().getName() + ": " + e, e);
    }
  }
}
