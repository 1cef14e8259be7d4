package duality.shell.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.EndpointReport;
import duality.kernel.SpaceReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class CountersTest {
  private final FakeKernel kernel = new FakeKernel();
  private final List<EndpointReport> endpoints = kernel.endpoints;
  private final List<SpaceReport> spaces = kernel.spaces;

  private static EndpointReport endpoint(String path, long calls) {
    return new EndpointReport(path, "Protocol", "server", "open", calls, 0, 1, 2, 3, 4);
  }

  @Test
  void faultsOfItsSpacesCountForAnEndpoint() {
    endpoints.add(endpoint("vm/a", 10));
    endpoints.add(endpoint("vm/a/uart", 5));
    spaces.add(new SpaceReport(1, "vm/a:memory", 100, 7, 40, 0, 0));
    spaces.add(new SpaceReport(2, "vm/a:other", 100, 7, 2, 0, 0));
    assertEquals(
        List.of(
            new Counters("vm/a", "server", 10, 42, 2, 3, 1),
            new Counters("vm/a/uart", "server", 5, 0, 2, 3, 1)),
        Counters.now(kernel));
  }

  @Test
  void betweenTwoLooksOnlyTheDifferenceCounts() {
    endpoints.add(endpoint("old", 10));
    endpoints.add(endpoint("again", 10));
    List<Counters> before = Counters.now(kernel);
    endpoints.clear();
    endpoints.add(endpoint("old", 12));
    endpoints.add(endpoint("again", 4));
    endpoints.add(endpoint("new", 7));
    List<Counters> between = Counters.between(before, Counters.now(kernel));
    assertEquals(List.of(2L, 4L, 7L), between.stream().map(Counters::calls).toList());
    assertEquals(0, between.getFirst().failures());
  }

  @Test
  void whatWasNotUsedIsStill() {
    endpoints.add(endpoint("x", 10));
    List<Counters> now = Counters.now(kernel);
    assertTrue(Counters.between(now, now).getFirst().still());
  }
}
