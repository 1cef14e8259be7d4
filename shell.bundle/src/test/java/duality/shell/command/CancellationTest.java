package duality.shell.command;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class CancellationTest {
  private final Cancellation.Foreground foreground = new Cancellation.Foreground();

  @Test
  void aSleepEndsWhenItIsCancelled() throws Exception {
    Cancellation cancellation = foreground.begin();
    Thread canceller = Thread.ofPlatform().start(foreground::cancel);
    assertThrows(CommandFailed.class, () -> cancellation.sleep(Duration.ofHours(1)));
    canceller.join();
  }

  @Test
  void aSleepEndsByItself() {
    Cancellation cancellation = foreground.begin();
    assertDoesNotThrow(() -> cancellation.sleep(Duration.ofMillis(5)));
    assertFalse(cancellation.cancelled());
  }

  @Test
  void onlyInterruptibleWorkIsInterrupted() throws Exception {
    Cancellation cancellation = foreground.begin();
    CountDownLatch inside = new CountDownLatch(1);
    Thread canceller =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    inside.await();
                  } catch (InterruptedException e) {
                    return;
                  }
                  foreground.cancel();
                });
    assertThrows(
        InterruptedException.class,
        () ->
            cancellation.interruptibly(
                () -> {
                  inside.countDown();
                  TimeUnit.HOURS.sleep(1);
                  return true;
                }));
    canceller.join();
    assertFalse(Thread.interrupted(), "the interrupt is spent");
    cancellation.cancel();
    assertFalse(Thread.interrupted(), "outside of such work nothing is interrupted");
  }

  @Test
  void whatIsCancelledAlreadyDoesNotBegin() {
    Cancellation cancellation = foreground.begin();
    assertTrue(foreground.cancel());
    assertThrows(CommandFailed.class, () -> cancellation.interruptibly(() -> true));
  }

  /** Commands that begin while somebody cancels: who is cancelled has been told of. */
  @Test
  void whoCancelsIsTold() throws Exception {
    int rounds = 5_000;
    CyclicBarrier each = new CyclicBarrier(2);
    AtomicInteger told = new AtomicInteger();
    AtomicBoolean ended = new AtomicBoolean();
    Thread canceller =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; i < rounds; i++) {
                    meet(each);
                    boolean any = false;
                    while (!any && !ended.get()) {
                      any = foreground.cancel();
                    }
                    told.addAndGet(any ? 1 : 0);
                    meet(each);
                  }
                });
    for (int i = 0; i < rounds; i++) {
      ended.set(false);
      meet(each);
      Cancellation command = foreground.begin();
      while (!command.cancelled()) {
        Thread.onSpinWait();
      }
      foreground.end(command);
      ended.set(true);
      meet(each);
    }
    canceller.join();
    assertEquals(rounds, told.get(), "cancellations that their canceller knows of");
  }

  private static void meet(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whatHasEndedIsNotCancelled() {
    Cancellation cancellation = foreground.begin();
    foreground.end(cancellation);
    assertFalse(foreground.cancel());
    assertFalse(cancellation.cancelled());
  }
}
