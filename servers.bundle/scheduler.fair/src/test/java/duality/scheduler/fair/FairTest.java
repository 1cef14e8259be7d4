package duality.scheduler.fair;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.State;
import duality.servers.contract.SchedulerContract;
import duality.servers.policy.ThreadOrder;
import duality.servers.policy.ThreadOrder.Known;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FairTest extends SchedulerContract {
  private static final long SLICE = 4_000_000;

  @Override
  protected Server server() {
    return new FairServer();
  }

  @Test
  void weightsThreeToOneGiveTimeThreeToOne() {
    Scheduler scheduler = open();
    scheduler.ready(1, 300);
    scheduler.ready(2, 100);
    Map<Integer, Long> service = simulate(scheduler, 1, 4000, new Random(1));
    assertEquals(3.0, (double) service.get(1) / service.get(2), 0.02);
  }

  @Test
  void weightsHoldOnTwoProcessors() {
    Scheduler scheduler = open();
    scheduler.ready(1, 200);
    for (int thread = 2; thread <= 4; thread++) {
      scheduler.ready(thread, 100);
    }
    Map<Integer, Long> service = simulate(scheduler, 2, 20_000, new Random(2));
    for (int thread = 2; thread <= 4; thread++) {
      assertEquals(2.0, (double) service.get(1) / service.get(thread), 0.05, "thread " + thread);
    }
  }

  /** The bound of the paper (theorem 1), at each moment of a long run. */
  @Test
  void serviceNeverDiffersByMoreThanASliceOfEach() {
    long seed = 20_240_601;
    Random random = new Random(seed);
    int[] weight = {0, 100, 37, 950, 211, 5};
    Scheduler scheduler = open();
    for (int thread = 1; thread < weight.length; thread++) {
      scheduler.ready(thread, weight[thread]);
    }
    double[] service = new double[weight.length];
    for (int i = 0; i < 50_000; i++) {
      int thread = pick(scheduler, 0);
      long used = 1 + random.nextLong(SLICE);
      scheduler.ran(0, thread, used, true);
      service[thread] += (double) used / weight[thread];
      for (int f = 1; f < weight.length; f++) {
        for (int m = 1; m < f; m++) {
          double bound = (double) SLICE / weight[f] + (double) SLICE / weight[m];
          double lag = Math.abs(service[f] - service[m]);
          assertTrue(
              lag <= bound * 1.0001,
              "threads " + f + ", " + m + " differ by " + lag + " > " + bound + ", seed " + seed);
        }
      }
    }
  }

  @Test
  void whoSleptGetsNoCreditForIt() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    scheduler.ready(2, 100);
    assertEquals(1, pick(scheduler, 0));
    scheduler.ran(0, 1, SLICE, false);
    for (int i = 0; i < 1000; i++) {
      assertEquals(2, pick(scheduler, 0));
      scheduler.ran(0, 2, SLICE, true);
    }
    scheduler.ready(1, 100);
    Map<Integer, Long> service = simulate(scheduler, 1, 200, new Random(3));
    assertEquals(1.0, (double) service.get(1) / service.get(2), 0.1);
  }

  @Test
  void whoYieldsAndComesBackAtOnceKeepsItsDebt() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    scheduler.ready(2, 100);
    Map<Integer, Long> service = new HashMap<>();
    for (int i = 0; i < 2000; i++) {
      int thread = pick(scheduler, 0);
      service.merge(thread, SLICE, Long::sum);
      // Thread 1 sleeps after each slice and wakes before the next pick.
      scheduler.ran(0, thread, SLICE, thread == 2);
      scheduler.ready(1, 100);
    }
    assertEquals(1.0, (double) service.get(1) / service.get(2), 0.01);
  }

  @Test
  void aHeavyThreadThatWakesMakesALightOneGiveRoom() {
    Scheduler scheduler = open();
    scheduler.ready(1, 50);
    scheduler.ready(2, 100);
    assertEquals(1, pick(scheduler, 0));
    assertEquals(2, pick(scheduler, 1));
    assertEquals(0, scheduler.ready(3, 400), "the thread on processor 0 is due last");
    assertEquals(Scheduler.NO_PROCESSOR, scheduler.ready(4, 10), "a light one waits");
  }

  @Test
  void aLoneHeavyThreadCannotStarveOthersLater() {
    Scheduler scheduler = open();
    scheduler.ready(1, 10_000);
    scheduler.ready(2, 100);
    scheduler.ready(3, 100);
    // Thread 1 wants more than its processor can give and falls behind virtual time.
    simulate(scheduler, 2, 5_000, new Random(5));
    scheduler.ready(1, 100);
    Map<Integer, Long> service = simulate(scheduler, 1, 300, new Random(6));
    assertTrue(
        service.getOrDefault(2, 0L) > 80 * SLICE / 2,
        "of 300 slices thread 2 got " + service.get(2) + " ns");
  }

  @Test
  void virtualTimeSurvivesASwap() {
    Scheduler scheduler = open();
    scheduler.ready(1, 300);
    scheduler.ready(2, 100);
    Random random = new Random(7);
    Map<Integer, Long> service = new HashMap<>();
    for (int i = 0; i < 400; i++) {
      int thread = pick(scheduler, 0);
      long used = SLICE / 2 + random.nextLong(SLICE / 2);
      service.merge(thread, used, Long::sum);
      scheduler = successor(scheduler);
      scheduler.ran(0, thread, used, true);
    }
    assertEquals(3.0, (double) service.get(1) / service.get(2), 0.1);
  }

  @Test
  void takesTheOrderOfASchedulerWithoutVirtualTime() {
    State roundRobin =
        new ThreadOrder(
                List.of(
                    new Known(5, 300, ThreadOrder.QUEUED, 0),
                    new Known(3, 100, ThreadOrder.QUEUED, 0),
                    new Known(4, 100, 1, 0)))
            .toState();
    assertEquals(List.of(5, 3), drain(open(Map.of(), roundRobin)));
  }
}
