package duality.scheduler.roundrobin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.State;
import duality.servers.contract.SchedulerContract;
import duality.servers.policy.ThreadOrder;
import duality.servers.policy.ThreadOrder.Known;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RoundRobinTest extends SchedulerContract {
  @Override
  protected Server server() {
    return new RoundRobinServer();
  }

  @Test
  void eachInTurnWhateverItsWeight() {
    Scheduler scheduler = open();
    scheduler.ready(1, 10_000);
    scheduler.ready(2, 1);
    scheduler.ready(3, 100);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      int thread = pick(scheduler, 0);
      order.add(thread);
      scheduler.ran(0, thread, 1_000_000L * i, true);
    }
    assertEquals(List.of(1, 2, 3, 1, 2, 3, 1, 2, 3), order);
  }

  @Test
  void whoWakesGoesToTheEndAndInterruptsNobody() {
    Scheduler scheduler = open();
    scheduler.ready(1, 1);
    scheduler.ready(2, 1);
    assertEquals(1, pick(scheduler, 0));
    assertEquals(Scheduler.NO_PROCESSOR, scheduler.ready(3, 10_000));
    scheduler.ran(0, 1, 1000, false);
    assertEquals(List.of(2, 3), drain(scheduler));
  }

  @Test
  void takesTheOrderOfASchedulerWithVirtualTime() {
    State fair =
        new ThreadOrder(
                List.of(
                    new Known(5, 300, ThreadOrder.QUEUED, 0),
                    new Known(3, 100, ThreadOrder.QUEUED, 77_000),
                    new Known(8, 100, ThreadOrder.ASLEEP, 1_000),
                    new Known(4, 100, 1, 9_000)))
            .toState();
    assertEquals(List.of(5, 3), drain(open(Map.of(), fair)));
  }
}
