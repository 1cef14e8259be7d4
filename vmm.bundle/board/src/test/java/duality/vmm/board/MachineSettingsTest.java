package duality.vmm.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which configurations a machine takes. */
class MachineSettingsTest {
  private static MachineSettings with(String... pairs) {
    Map<String, String> config = new HashMap<>(Map.of("kernel", "k"));
    for (int i = 0; i < pairs.length; i += 2) {
      config.put(pairs[i], pairs[i + 1]);
    }
    return MachineSettings.of(config);
  }

  private static void refused(String because, String... pairs) {
    String message =
        assertThrows(CallFailed.BadRequest.class, () -> with(pairs), because).getMessage();
    assertTrue(message.contains(because), message);
  }

  @Test
  void whatNobodySaysHasItsUsualValue() {
    MachineSettings settings = with();
    assertEquals(512L << 20, settings.memoryBytes());
    assertEquals("", settings.initrd());
    assertEquals("", settings.commandLine());
    assertEquals(List.of(), settings.disks());
    assertEquals(List.of("", "", "", ""), settings.networks());
    assertEquals(1, settings.cpus());
    assertEquals(100, settings.weight());
    assertEquals("", settings.engine());
    assertTrue(settings.agent());
  }

  @Test
  void disksKeepTheirNumbers() {
    MachineSettings settings =
        with("disk0", "/a", "disk6", "/b,ro", "store6", "store.sealed", "agent", "false");
    assertEquals(
        List.of(
            new MachineSettings.Disk(0, "/a", false, ""),
            new MachineSettings.Disk(6, "/b", true, "store.sealed")),
        settings.disks());
  }

  @Test
  void cardsKeepTheirNumbers() {
    assertEquals(List.of("", "lan", "", "x"), with("net1", "lan", "net3", "x").networks());
  }

  @Test
  void nonsenseIsRefusedByName() {
    refused("'memory'", "memory", "lots");
    refused("'memory'", "memory", "4096");
    refused("'memory'", "memory", "67108865");
    refused("'memory'", "memory", "-1");
    refused("'kernel'", "kernel", "");
    refused("'cpus'", "cpus", "0");
    refused("'cpus'", "cpus", "9");
    refused("'cpus'", "cpus", "two");
    refused("'append'", "append", "x".repeat(1024));
    refused("'append'", "append", "a\0b");
    refused("'disk7'", "disk7", "/a");
    refused("'disk00'", "disk00", "/a");
    refused("'disk1'", "disk1", ",ro");
    refused("'store0'", "store0", "store.sealed");
    refused("'weight'", "weight", "0");
    refused("'agent'", "agent", "perhaps");
    refused("'rng'", "rng", "perhaps");
    refused("'legacy'", "legacy", "1");
    refused("'net4'", "net4", "lan");
    refused("'net0'", "net0", "");
    refused("'net1'", "net1", "../vm/a");
  }
}
