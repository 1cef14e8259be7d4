package duality.shell.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.EndpointReport;
import duality.kernel.SpaceReport;
import duality.kernel.ThreadReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class LookTest {
  private final FakeKernel kernel = new FakeKernel();

  private Look look(long nanos) {
    Look now = Look.now(kernel);
    return new Look(nanos, now.counters(), now.busy(), now.threads());
  }

  private void endpoint(String path, long calls, long busyMillis) {
    kernel.endpoints.removeIf(each -> each.path().equals(path));
    kernel.endpoints.add(
        new EndpointReport(path, "P", "server", "open", calls, 0, 0, 0, 0, busyMillis * 1_000_000));
  }

  private void guest(long cpuMillis, long instructions) {
    kernel.threads.clear();
    kernel.threads.add(
        new ThreadReport(
            1,
            "vm/a:hart0",
            "RUNNING",
            0,
            100,
            cpuMillis * 1_000_000,
            instructions,
            1,
            2,
            3,
            4,
            5));
  }

  private static String words(String text, String begin) {
    return text.lines()
        .filter(line -> line.startsWith(begin))
        .map(line -> line.replaceAll(" +", " "))
        .toList()
        .toString();
  }

  @Test
  void whatHappenedBetweenTwoLooksIsShownPerSecond() {
    endpoint("scheduler", 100, 0);
    endpoint("vm/a/uart", 1000, 50);
    endpoint("idle", 7, 7);
    guest(1000, 5_000_000);
    Look before = look(1_000_000_000L);
    endpoint("scheduler", 150, 0);
    endpoint("vm/a/uart", 31_600, 250);
    kernel.spaces.add(new SpaceReport(1, "vm/a:memory", 1, 1, 20, 0, 0));
    guest(2500, 45_000_000);
    String text = look(3_000_000_000L).since(before, false, 200, 100);
    assertEquals("[scheduler server 0.0% 25 0 0 0 0]", words(text, "scheduler"), text);
    assertEquals("[vm/a/uart server 10.0% 15.3k 0 0 0 0]", words(text, "vm/a/uart"), text);
    assertEquals("[vm/a RUNNING 75.0% 10.0% 20.0M 0 0 0 15.3k]", words(text, "vm/a "), text);
    assertEquals("[]", words(text, "idle"), "not used, not shown");
    assertTrue(text.endsWith("1 other was not used"), text);
    assertTrue(text.startsWith("guests 75.0%, servers 10.0% of a processor"), text);
  }

  @Test
  void hartsAreShownWhenThereAreSeveral() {
    guest(0, 0);
    Look before = look(0);
    guest(500, 1_000_000);
    ThreadReport one = kernel.threads.getFirst();
    kernel.threads.add(
        new ThreadReport(2, "vm/a:hart1", "WAITING", 1, 100, 250_000_000, 7_000, 1, 2, 3, 4, 5));
    String text = look(1_000_000_000L).since(before, false, 200, 100);
    assertEquals("[vm/a RUNNING 75.0% 0.0% 1007.0k 2.0 4.0 5.0 0]", words(text, "vm/a"), text);
    assertEquals("[ hart0 RUNNING 50.0% 0.0% 1000.0k 0 0 0 0]", words(text, "  hart0"), text);
    assertEquals("[ hart1 WAITING 25.0% 0.0% 7000 2.0 4.0 5.0 0]", words(text, "  hart1"), text);
    kernel.threads.clear();
    kernel.threads.add(one);
    assertEquals("[]", words(look(2_000_000_000L).since(before, false, 200, 100), "  hart"));
  }

  @Test
  void theBusiestAreShownWhenTheScreenIsSmall() {
    Look before = look(0);
    for (int i = 0; i < 50; i++) {
      endpoint("vm/e" + i, i, i % 10 == 0 ? 100 : 0);
    }
    String text = look(1_000_000_000L).since(before, false, 60, 12);
    assertTrue(text.lines().count() < 12, text);
    assertTrue(text.lines().allMatch(line -> line.length() <= 60), text);
    assertTrue(words(text, "vm/e40").contains("10.0%"), text);
    assertEquals("[]", words(text, "vm/e47"), "calls count less than time");
  }

  @Test
  void anEndpointThatWasMadeAnewIsNotCountedBackwards() {
    endpoint("vm/a/blk0", 1000, 900);
    Look before = look(0);
    endpoint("vm/a/blk0", 10, 100);
    String text = look(1_000_000_000L).since(before, false, 200, 100);
    assertEquals("[vm/a/blk0 server 10.0% 10 0 0 0 0]", words(text, "vm/a/blk0"), text);
  }

  @Test
  void ratesHaveThreeDigits() {
    assertEquals(
        List.of("0", "0.5", "9.9", "10", "9999", "10.0k", "1234.6k", "12.3M"),
        List.of(
            Look.rate(0, 2),
            Look.rate(1, 2),
            Look.rate(99, 10),
            Look.rate(10, 1),
            Look.rate(9_999, 1),
            Look.rate(10_000, 1),
            Look.rate(1_234_567, 1),
            Look.rate(12_345_678, 1)));
  }
}
