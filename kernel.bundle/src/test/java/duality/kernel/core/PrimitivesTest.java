package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * The kernel's interface does not grow by accident: whoever adds to it changes this test, and says
 * why.
 */
class PrimitivesTest {
  @Test
  void theKindsOfObjectsAndTheirMethodsAreThese() {
    Map<String, Integer> counted = new TreeMap<>();
    List<String> primitives = Primitives.list();
    for (String each : primitives) {
      counted.merge(each.substring(0, each.indexOf('.')), 1, Integer::sum);
    }
    assertEquals(
        "{Endpoint=18, Frame=5, Grant=13, KernelThread=17, Notification=4, Space=12}",
        counted.toString(),
        () -> String.join("\n", primitives));
  }
}
