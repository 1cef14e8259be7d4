package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class ComponentTest {
  private static Set<Component> those(Predicate<Component> which) {
    EnumSet<Component> all = EnumSet.noneOf(Component.class);
    Arrays.stream(Component.values()).filter(which).forEach(all::add);
    return all;
  }

  /** Components of the bundle with several servers that have a class. */
  private static Set<Component> with(String file) {
    return those(each -> each.bundle.equals("duality.vmm.xen") && each.has(file));
  }

  @Test
  void aClassIsAPartOfTheServersThatUseIt() {
    assertEquals(Set.of(Component.XEN), with("duality/vmm/xen/XenHart.class"));
    assertEquals(Set.of(Component.XEN), with("duality/vmm/xen/Roots.class"));
    assertEquals(Set.of(Component.XEN), with("duality/vmm/board/Machine$Calls.class"));
    assertEquals(Set.of(Component.RING), with("duality/vmm/xen/BlockBackEnd$Part.class"));
    assertEquals(Set.of(Component.RING), with("duality/vmm/xen/BlockServer.class"));
    assertEquals(Set.of(Component.VCON), with("duality/vmm/xen/ConsoleBackEnd.class"));
    assertEquals(
        Set.of(Component.RING, Component.VCON), with("duality/vmm/xen/RingBackEnd$Lies.class"));
    assertEquals(true, Component.UART.has("duality/uart/Uart16550.class"));
  }

  @Test
  void whatAGuestIsSwitchedOnByAndWhatAllShareIsUsedBesideTheDialogue() {
    Set<Component> monitors = EnumSet.of(Component.VMM, Component.TRAP, Component.XEN);
    assertEquals(monitors, those(Component::monitor));
    EnumSet<Component> asked = EnumSet.copyOf(monitors);
    asked.addAll(Set.of(Component.SWAPPER, Component.SUPERVISOR, Component.ROOT));
    assertEquals(asked, those(Component::asked));
  }

  @Test
  void whereMoreHartsOrALinuxAreWantedMonitorsThatCannotAreLeftOut() {
    EnumSet<Component> all = EnumSet.allOf(Component.class);
    assertEquals(all, those(each -> each.serves(new Guests(false, 1))));
    all.removeAll(Set.of(Component.XEN, Component.RING, Component.VCON));
    assertEquals(all, those(each -> each.serves(new Guests(true, 1))));
    all.remove(Component.TRAP);
    assertEquals(all, those(each -> each.serves(new Guests(false, 2))));
    assertEquals(all, those(each -> each.serves(new Guests(true, 4))));
  }
}
