package duality.shell.charge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.DriverWork.Work;
import duality.drivers.MacAddress;
import duality.shell.charge.ChargeCommands.Charge;
import duality.shell.charge.CostModel.Sample;
import duality.shell.charge.DriverLook.Counted;
import duality.shell.charge.DriverLook.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Prices, charges, and what is measured beside them. */
class ChargesTest {
  private static final long SEED = 2005;

  private static Work work(String endpoint, long requests, long in, long out, long notifications) {
    return new Work(endpoint, requests, requests, 1024 * in, 1024 * out, notifications);
  }

  @Test
  void thePricesBehindMeasurementsAreFound() {
    CostModel real = new CostModel(5_000, 300, 700, 9_000);
    RandomGenerator random = new SplittableRandom(SEED);
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      Work work =
          work(
              "vm/a",
              1 + random.nextInt(500),
              random.nextInt(9_000),
              random.nextInt(9_000),
              random.nextInt(700));
      double noise = 1 + 0.02 * (random.nextDouble() - 0.5);
      samples.add(new Sample(work, real.charge(work) * noise));
    }
    CostModel found = CostModel.fit(samples);
    assertEquals(real.descriptorNanos(), found.descriptorNanos(), 250, "seed " + SEED);
    assertEquals(real.readNanos(), found.readNanos(), 15);
    assertEquals(real.writtenNanos(), found.writtenNanos(), 35);
    assertEquals(real.notificationNanos(), found.notificationNanos(), 450);
    assertTrue(found.explained(samples) > 0.99);
    assertTrue(new CostModel(5_000, 0, 0, 0).explained(samples) < 0.9, "and wrong ones are not");
  }

  @Test
  void countsThatGoTogetherStillPredict() {
    List<Sample> samples = new ArrayList<>();
    for (int requests = 10; requests <= 200; requests += 10) {
      Work work = work("vm/a", 4 * requests, 16 * requests, 0, 3 * requests);
      samples.add(new Sample(work, 50_000.0 * requests));
    }
    CostModel found = CostModel.fit(samples);
    Work unseen = work("vm/a", 4 * 77, 16 * 77, 0, 3 * 77);
    assertEquals(50_000.0 * 77, found.charge(unseen), 1_000, found.show());
    for (double price :
        new double[] {
          found.descriptorNanos(),
          found.readNanos(),
          found.writtenNanos(),
          found.notificationNanos()
        }) {
      assertTrue(price >= 0, found.show());
    }
  }

  @Test
  void aKindThatSeemsToSaveTimeHasNoPrice() {
    List<Sample> samples = new ArrayList<>();
    RandomGenerator random = new SplittableRandom(SEED);
    for (int i = 1; i <= 40; i++) {
      Work work = work("vm/a", 100L * i, random.nextInt(100), 0, 0);
      samples.add(new Sample(work, 1_000_000.0 * i - 100 * work.readBytes() / 1024.0));
    }
    CostModel found = CostModel.fit(samples);
    assertEquals(0, found.readNanos(), found.show());
    assertEquals(10_000, found.descriptorNanos(), 100, found.show());
  }

  @Test
  void aFewBytesSayNothingOfWhatAKibCosts() {
    List<Sample> samples = new ArrayList<>();
    for (int i = 1; i <= 10; i++) {
      Work work = new Work("vm/a", 100L * i, 0, 60 + 7L * i, 0, 0);
      samples.add(new Sample(work, 1_000_000.0 * i + 100_000));
    }
    assertEquals(0, CostModel.fit(samples).readNanos());
  }

  @Test
  void aLineExplainsWhatLiesOnIt() {
    assertEquals(1, CostModel.lineExplains(new double[] {1, 2, 3}, new double[] {5, 7, 9}), 1e-9);
    assertTrue(CostModel.lineExplains(new double[] {1, 2, 3, 4}, new double[] {5, 1, 5, 1}) < 0.3);
  }

  @Test
  void pricesAreReadAsTheyAreShown() {
    CostModel model = new CostModel(1, 2, 3, 4);
    assertEquals(model, CostModel.parse(model.show()));
    for (String wrong :
        new String[] {
          "", "1,2,3", "1,2,3,4,5", "1,2,3,-4", "a,b,c,d", "1,2,3,Infinity", "NaN,2,3,4"
        }) {
      assertThrows(IllegalArgumentException.class, () -> CostModel.parse(wrong), wrong);
    }
  }

  @Test
  @Timeout(120)
  void aLookFindsTheThreadsOfDriversByTheirNames() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (String name :
        List.of(
            "duality worker vm/a/blk0:queues",
            "duality worker vm/a/net0:queues",
            "vm/a/store0:io1",
            "duality 1",
            "vm/b/x:io0")) {
      threads.add(
          Thread.ofPlatform()
              .daemon()
              .name(name)
              .start(
                  () -> {
                    try {
                      end.await();
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  }));
    }
    String card = "net/lan:" + MacAddress.text(MacAddress.of("a", 0));
    List<Counted> then =
        List.of(
            own("virtio.blk", work("vm/a/blk0", 5, 1, 1, 5)),
            own("store.file", work("vm/a/store0", 5, 0, 0, 1)),
            own("virtio.net", work("vm/a/net0", 3, 0, 0, 3)),
            new Counted("net.switch", true, work(card, 0, 2, 2, 1)));
    DriverLook before = DriverLook.of(then, threads);
    assertEquals(3, before.endpoints().size(), "the others count nothing: " + before);
    List<Counted> now =
        List.of(
            // A swap to another bundle: two of them count.
            own("virtio.blk", work("vm/a/blk0", 7, 2, 1, 9)),
            own("virtio.blk", work("vm/a/blk0", 1, 0, 0, 1)),
            own("store.file", work("vm/a/store0", 9, 0, 0, 2)),
            own("virtio.net", work("vm/a/net0", 4, 0, 0, 4)),
            new Counted("net.switch", true, work(card, 0, 9, 2, 6)),
            new Counted("net.switch", true, work("net/lan:02:00:00:00:00:01", 0, 1, 0, 0)),
            new Counted("console.host", true, work("vm/a/console", 11, 0, 0, 0)));
    Map<String, Part> parts = new HashMap<>();
    DriverLook.of(now, threads)
        .since(before)
        .forEach(each -> parts.put(each.client() + " " + each.driver(), each));
    end.countDown();
    assertEquals(8 - 5, part(parts, "vm/a virtio.blk").work().descriptors());
    assertEquals(10 - 5, part(parts, "vm/a virtio.blk").work().notifications());
    assertEquals(9 - 5, part(parts, "vm/a store.file").work().descriptors());
    Part net = part(parts, "vm/a virtio.net");
    assertEquals(1, net.work().descriptors());
    assertEquals(
        7 * 1024, net.work().readBytes(), "what the switch does for the card is the card's");
    assertEquals(1 + 5, net.work().notifications());
    assertFalse(net.onCaller());
    assertEquals(
        1024,
        part(parts, "net/lan:02:00:00:00:00:01 net.switch").work().readBytes(),
        "a card of nobody is not lost");
    assertEquals(11, part(parts, "vm/a console.host").work().descriptors());
    assertTrue(part(parts, "vm/a console.host").onCaller(), "a console has no thread of its own");
    assertEquals(5, parts.size(), parts::toString);
    assertTrue(net.measuredNanos() >= 0);
  }

  private static Counted own(String driver, Work work) {
    return new Counted(driver, false, work);
  }

  private static Part part(Map<String, Part> parts, String name) {
    return Objects.requireNonNull(parts.get(name), () -> name + " of " + parts);
  }

  @Test
  void countersThatBeganAnewCountFromZero() {
    Work before = work("vm/a/blk0", 100, 1, 1, 100);
    assertEquals(4, work("vm/a/blk0", 4, 1, 1, 4).since(before).descriptors());
  }

  @Test
  void theTableEndsWithTheSum() {
    Tariff prices =
        new Tariff(
            Map.of("console.host", new CostModel(10, 0, 0, 0)), new CostModel(1_000, 0, 0, 0));
    List<Part> parts =
        List.of(
            new Part("vm/a", "virtio.blk", false, work("", 20, 0, 0, 0), 22_000),
            new Part("vm/a", "store.file", false, work("", 10, 0, 0, 0), 11_000),
            new Part("vm/a", "console.host", true, work("", 7, 0, 0, 0), 0),
            new Part("vm/b", "virtio.blk", false, work("", 10, 0, 0, 0), 9_000));
    List<Charge> table = ChargeCommands.charges(parts, prices, false);
    assertEquals(List.of("vm/a", "vm/b", "all"), table.stream().map(Charge::client).toList());
    assertEquals(List.of(75L, 25L, 100L), table.stream().map(Charge::share).toList());
    assertEquals(40_000, table.getLast().chargedNanos());
    assertEquals(42_000, table.getLast().measuredNanos());
    assertEquals(70, table.getFirst().withinNanos(), "not charged twice");
    assertEquals(
        List.of(
            "vm/a virtio.blk", "vm/a store.file", "vm/a console.host", "vm/b virtio.blk", "all"),
        ChargeCommands.charges(parts, prices, true).stream().map(Charge::client).toList());
  }

  @Test
  void aTariffIsReadAsItIsShown() {
    Tariff usual = Tariff.USUAL;
    assertEquals(usual, Tariff.parse(usual.show(), new Tariff(Map.of(), usual.others())));
    Tariff some = Tariff.parse("virtio.blk:1,2,3,4", usual);
    assertEquals(new CostModel(1, 2, 3, 4), some.of("virtio.blk"));
    assertEquals(usual.of("store.file"), some.of("store.file"), "the others stay");
    assertEquals(new CostModel(5, 6, 7, 8), Tariff.parse("5,6,7,8", usual).of("virtio.blk"));
    for (String wrong :
        List.of("", "a:1,2,3", ":1,2,3,4", "1,2,3,4/1,2,3,4", "a:1,2,3,4/a:1,2,3,4", "a:b:1,2")) {
      assertThrows(IllegalArgumentException.class, () -> Tariff.parse(wrong, usual), wrong);
    }
  }
}
