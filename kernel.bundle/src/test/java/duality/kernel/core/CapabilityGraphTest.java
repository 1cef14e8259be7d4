package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CapabilityReport;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the core says of who holds what. */
class CapabilityGraphTest {
  /** Serves. */
  @Protocol(rank = Protocol.BACKEND)
  public interface Low {
    int number();
  }

  /** Uses it. */
  @Protocol(rank = Protocol.DEVICE)
  public interface High {
    int number();
  }

  private record Serving(Context context) implements Low, High, Instance {
    @Override
    public int number() {
      return 1;
    }

    @Override
    public State save() {
      return State.of("serving", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);

  CapabilityGraphTest() {
    core.register("low", (context, saved) -> new Serving(context), Low.class);
    core.register("high", (context, saved) -> new Serving(context), High.class);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private List<CapabilityReport> of(String holder) {
    return core.capabilities().stream().filter(each -> each.holder().equals(holder)).toList();
  }

  @Test
  void aSlotIsAnEdgeThatCanBeCalledDownwardsOnly() {
    Low low = core.create("low", Low.class, Map.of("server", "low"), Map.of(), false);
    High high =
        core.create("high", High.class, Map.of("server", "high"), Map.of("backend", low), false);
    assertEquals(
        List.of(new CapabilityReport("high", "low", "Low", true, "slot backend")), of("high"));
    assertEquals(List.of(), of("low"));
    Low above =
        core.create("above", Low.class, Map.of("server", "low"), Map.of("user", high), false);
    assertEquals(1, above.number());
    assertEquals(
        List.of(new CapabilityReport("above", "high", "High", false, "slot user")), of("above"));
  }

  @Test
  void aChildIsHeldUntilItIsRevoked() {
    Serving[] opened = new Serving[1];
    core.register("parent", (context, saved) -> opened[0] = new Serving(context), High.class);
    core.create("p", High.class, Map.of("server", "parent"), Map.of(), false);
    Low child = opened[0].context.child("c", Low.class, Map.of("server", "low"), Map.of());
    assertTrue(
        of("p").contains(new CapabilityReport("p", "p/c", "Low", true, "held")),
        () -> "" + of("p"));
    opened[0].context.revoke(child);
    assertEquals(List.of(), of("p"));
  }
}
