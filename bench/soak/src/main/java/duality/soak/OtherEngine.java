package duality.soak;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.function.LongSupplier;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * A second engine to go to and fro: its harts are the first one's, but a hart that goes there goes
 * through its neutral state all the same.
 */
@Component(property = Engine.NAME + "=" + OtherEngine.OTHER)
public final class OtherEngine implements Engine {
  static final String OTHER = "soak.engine";
  static final String FIRST = "interpreter";

  private final Engine first;

  /** In front of the first engine. */
  @Activate
  public OtherEngine(@Reference(target = "(" + Engine.NAME + "=" + FIRST + ")") Engine first) {
    this.first = first;
  }

  @Override
  public Hart hart(HartMode mode, Memory memory, Lines lines, LongSupplier clock) {
    return first.hart(mode, memory, lines, clock);
  }
}
