package duality.shell.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReadyWatchTest {
  private static final Boot BOOT =
      new Boot(Path.of("kernel"), Optional.empty(), "", 1 << 20, 1 << 20, "nano: ready", false);

  @Test
  void theLineMayComeInPieces() {
    ReadyWatch watch = new ReadyWatch(new TypedConsole(), BOOT, 0);
    watch.take("hello\r\nnano: re");
    assertFalse(watch.ready());
    watch.take("ady \r");
    assertFalse(watch.ready());
    watch.take("\n> ");
    assertTrue(watch.ready());
  }

  @Test
  void alikeLinesDoNotCount() {
    ReadyWatch watch = new ReadyWatch(new TypedConsole(), BOOT, 0);
    watch.take("nano: ready?\nnot nano: ready\n nano: ready\n");
    assertFalse(watch.ready());
    assertEquals(" nano: ready", watch.lastLine());
  }

  @Test
  void emptyLinesAreNotTheLastOne() {
    ReadyWatch watch = new ReadyWatch(new TypedConsole(), BOOT, 0);
    watch.take("one\n\n  \r\n");
    assertEquals("one", watch.lastLine());
  }

  @Test
  void itReadsFromTheConsole() throws InterruptedException {
    TypedConsole console = new TypedConsole();
    ReadyWatch watch = new ReadyWatch(console, BOOT, 0);
    watch.start("test");
    console.written("x".repeat(10_000) + "\n");
    console.written("nano: ready\n");
    watch.await(Duration.ofSeconds(100));
    assertTrue(watch.ready());
  }

  @Test
  void itBeginsBehindWhatAnEarlierStartWrote() throws InterruptedException {
    TypedConsole console = new TypedConsole();
    console.written("nano: ready\n");
    ReadyWatch watch = new ReadyWatch(console, BOOT, console.position());
    watch.start("test");
    watch.await(Duration.ofMillis(300));
    assertFalse(watch.ready());
    console.written("nano: ready\n");
    watch.await(Duration.ofSeconds(100));
    assertTrue(watch.ready());
  }

  @Test
  void aGuestWithItsConsoleElsewhereIsUpByItsAgent() throws InterruptedException {
    ReadyWatch watch = new ReadyWatch(new TypedConsole(), BOOT, 0, () -> true);
    long begun = System.nanoTime();
    watch.start("test");
    watch.await(Duration.ofSeconds(100));
    assertTrue(watch.ready());
    assertTrue(
        System.nanoTime() - begun >= ReadyWatch.QUIET_NANOS, "before that the line may still come");
  }
}
