package duality.shell.charge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.DriverWork.Work;
import duality.shell.charge.ChargeCommands.Charge;
import duality.shell.charge.CostModel.Sample;
import duality.shell.charge.DriverLook.Part;
import java.util.ArrayList;
import java.util.List;
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
  void aLineExplainsWhatLiesOnIt() {
    assertEquals(1, CostModel.lineExplains(new double[] {1, 2, 3}, new double[] {5, 7, 9}), 1e-9);
    assertTrue(CostModel.lineExplains(new double[] {1, 2, 3, 4}, new double[] {5, 1, 5, 1}) < 0.3);
  }

  @Test
  void pricesAreReadAsTheyAreShown() {
    CostModel model = new CostModel(1, 2, 3, 4);
    assertEquals(model, CostModel.parse(model.show()));
    for (String wrong : new String[] {"", "1,2,3", "1,2,3,4,5", "1,2,3,-4", "a,b,c,d"}) {
      assertThrows(IllegalArgumentException.class, () -> CostModel.parse(wrong), wrong);
    }
  }

  @Test
  @Timeout(120)
  void aLookFindsTheThreadsOfDriversByTheirNames() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (String name :
        List.of("duality worker vm/a/blk0:queues", "vm/a/store0:io1", "duality 1", "vm/b/x:io0")) {
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
    List<Work> then = List.of(work("vm/a/blk0", 5, 1, 1, 5), work("vm/a/store0", 5, 0, 0, 1));
    DriverLook before = DriverLook.of(then, threads);
    assertEquals(2, before.endpoints().size(), "the others count nothing: " + before);
    List<Work> now =
        List.of(
            work("vm/a/blk0", 7, 2, 1, 9), // a swap to another bundle: two of them count
            work("vm/a/blk0", 1, 0, 0, 1),
            work("vm/a/store0", 9, 0, 0, 2),
            work("vm/a/console", 11, 0, 0, 0));
    List<Part> parts = DriverLook.of(now, threads).since(before);
    end.countDown();
    assertEquals(1, parts.size());
    Part part = parts.getFirst();
    assertEquals("vm/a", part.client());
    assertEquals(8 - 5 + 9 - 5, part.work().descriptors());
    assertEquals(10 - 5 + 2 - 1, part.work().notifications());
    assertEquals(11, part.onCaller().descriptors(), "a console has no thread of its own");
    assertTrue(part.measuredNanos() >= 0);
  }

  @Test
  void countersThatBeganAnewCountFromZero() {
    Work before = work("vm/a/blk0", 100, 1, 1, 100);
    assertEquals(4, work("vm/a/blk0", 4, 1, 1, 4).since(before).descriptors());
  }

  @Test
  void theTableEndsWithTheSum() {
    CostModel prices = new CostModel(1_000, 0, 0, 0);
    Work none = work("vm/a", 0, 0, 0, 0);
    List<Charge> table =
        ChargeCommands.charges(
            List.of(
                new Part("vm/a", work("vm/a", 30, 0, 0, 0), none, 33_000),
                new Part("vm/b", work("vm/b", 10, 0, 0, 0), none, 9_000)),
            prices);
    assertEquals(List.of("vm/a", "vm/b", "all"), table.stream().map(Charge::client).toList());
    assertEquals(List.of(75L, 25L, 100L), table.stream().map(Charge::share).toList());
    assertEquals(40_000, table.getLast().chargedNanos());
    assertEquals(42_000, table.getLast().measuredNanos());
  }
}
