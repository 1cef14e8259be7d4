package duality.shell.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SpanTest {
  @Test
  void everyUnitIsRead() {
    assertEquals(Duration.ofSeconds(60), Span.parse("60s"));
    assertEquals(Duration.ofMillis(500), Span.parse("500ms"));
    assertEquals(Duration.ofMinutes(2), Span.parse("2m"));
    assertEquals(Duration.ofHours(1), Span.parse("1H"));
    assertEquals(Duration.ofNanos(7000), Span.parse("7us"));
    assertEquals(Duration.ZERO, Span.parse("0s"));
  }

  @Test
  void aNumberAloneIsRefused() {
    for (String wrong : new String[] {"", "60", "s", "-1s", "1.5s", "1 s", "1d"}) {
      var e = assertThrows(IllegalArgumentException.class, () -> Span.parse(wrong), wrong);
      assertEquals(true, e.getMessage().contains("60s"), e.getMessage());
    }
  }

  @Test
  void shownWithAboutThreeDigits() {
    assertEquals("0ns", Span.show(0));
    assertEquals("17.0µs", Span.show(17_000));
    assertEquals("4.21ms", Span.show(4_210_000));
    assertEquals("250ms", Span.show(250_000_000));
    assertEquals("12.3s", Span.show(12_345_678_901L));
    assertEquals("1m03s", Span.show(63_000_000_000L));
    assertEquals("2h00m05s", Span.show(7_205_000_000_000L));
    assertEquals("-4.21ms", Span.show(-4_210_000));
  }
}
