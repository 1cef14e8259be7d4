package duality.shell.command;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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

  @Test
  void whatHasEndedIsNotCancelled() {
    Cancellation cancellation = foreground.begin();
    foreground.end(cancellation);
    assertFalse(foreground.cancel());
    assertFalse(cancellation.cancelled());
  }
}
