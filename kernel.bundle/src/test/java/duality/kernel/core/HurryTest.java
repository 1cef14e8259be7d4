package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Protocol;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A drain does not wait for calls that only wait for something. */
@Timeout(300)
class HurryTest {
  /** Something that one can wait for in vain. */
  @Protocol(rank = 40, deadlineMillis = 30_000)
  public interface Waiting {
    long await(long seconds);
  }

  /** A caller of it in between. */
  @Protocol(rank = 60, deadlineMillis = 30_000)
  public interface Between {
    long await(long seconds);
  }

  private final class WaitingServing implements Waiting, Instance {
    private long hurries;

    @Override
    public synchronized long await(long seconds) {
      inside.countDown();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      try {
        while (hurries == 0 && System.nanoTime() - end < 0) {
          TimeUnit.SECONDS.timedWait(this, seconds);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return hurries;
    }

    @Override
    public synchronized void hurry() {
      hurries++;
      notifyAll();
    }

    @Override
    public State save() {
      return State.of("waiting", 1);
    }
  }

  record BetweenServing(Context context) implements Between, Instance {
    @Override
    public long await(long seconds) {
      return context.slot("below", Waiting.class).await(seconds);
    }

    @Override
    public State save() {
      return State.of("between", 1);
    }
  }

  private final CountDownLatch inside = new CountDownLatch(1);
  private final Core core = Core.start(2, 1 << 20, 4);
  private final Kernel kernel = core.kernel();

  HurryTest() {
    core.register("waiting", (context, saved) -> new WaitingServing(), Waiting.class);
    core.register("between", HurryTest::between, Between.class);
  }

  private static Instance between(Context context, @Nullable State saved) {
    return new BetweenServing(context);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  @Test
  void whoeverWaitsBelowTheSetIsToldToReturn() throws Exception {
    Waiting below =
        kernel.create("below", Waiting.class, Map.of("server", "waiting"), Map.of(), false);
    Between above =
        kernel.create(
            "above", Between.class, Map.of("server", "between"), Map.of("below", below), false);
    FutureTask<Long> call = new FutureTask<>(() -> above.await(100));
    Thread.ofPlatform().start(call);
    assertTrue(inside.await(100, TimeUnit.SECONDS), "the call never came to its end");
    long before = System.nanoTime();
    try (var hold = kernel.hold(List.of(kernel.endpoint("above")), TimeUnit.SECONDS.toNanos(95))) {
      assertEquals(1, hold.drained());
    }
    assertTrue(
        System.nanoTime() - before < TimeUnit.SECONDS.toNanos(90), "the drain waited for the call");
    assertTrue(call.get(100, TimeUnit.SECONDS) > 0, "the call returned without being told");
  }
}
