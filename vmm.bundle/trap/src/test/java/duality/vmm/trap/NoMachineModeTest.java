package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.vmm.machine.Rig;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest with software in M-mode is not for this monitor, and is told so. */
@Timeout(300)
class NoMachineModeTest {
  @Test
  void firmwareIsRefused() {
    Map<String, String> config =
        Map.of("memory", "16777216", "kernel", "/kernel", "firmware", "none");
    try (Rig rig = Rig.with("vmm.trap", new TrapServer(), 1, 64L << 20)) {
      CallFailed refused = assertThrows(CallFailed.class, () -> rig.machine("a", config).start());
      assertTrue(String.valueOf(refused.getMessage()).contains("no M-mode"), refused.getMessage());
    }
  }
}
