package duality.processor.interpreter;

import duality.kernel.processor.Engine;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.function.LongSupplier;
import org.osgi.service.component.annotations.Component;

/** The engine {@code interpreter}: RV64GC from predecoded pages, one instruction at a time. */
@Component(property = Engine.NAME + "=interpreter")
public final class Interpreter implements Engine {
  @Override
  public Hart hart(HartMode mode, Memory memory, Lines lines, LongSupplier clock) {
    return new InterpretedHart(mode, memory, lines, clock);
  }
}
