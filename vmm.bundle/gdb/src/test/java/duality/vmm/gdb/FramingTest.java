package duality.vmm.gdb;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Bytes to packets and back, whatever comes. */
class FramingTest {
  private final StringBuilder out = new StringBuilder();
  private final Framing framing = new Framing(out::append);
  private final List<String> heard = new ArrayList<>();
  private final Framing.Listener listener =
      new Framing.Listener() {
        @Override
        public void packet(String data) {
          heard.add(data);
        }

        @Override
        public void interrupt() {
          heard.add("interrupt");
        }
      };

  private String said() {
    String text = out.toString();
    out.setLength(0);
    return text;
  }

  @Test
  void packetsAreAcknowledgedUntilNobodyWantsThat() {
    framing.accept("+$g#67", listener);
    assertEquals(List.of("g"), heard);
    assertEquals("+", said());
    framing.send("OK");
    assertEquals("$OK#9a", said());
    framing.accept("-", listener);
    assertEquals("$OK#9a", said(), "once more");
    framing.accept("$g#68", listener);
    assertEquals("-", said(), "a wrong checksum");
    framing.withoutAcknowledgements();
    framing.accept("$g#67-", listener);
    assertEquals(List.of("g", "g"), heard);
    assertEquals("", said());
  }

  @Test
  void bytesMayComeOneByOneAndInterruptsBetweenPackets() {
    for (char c : "\3$m1,2#fc\3".toCharArray()) {
      framing.accept(String.valueOf(c), listener);
    }
    assertEquals(List.of("interrupt", "m1,2", "interrupt"), heard);
  }

  @Test
  void whatWouldBeAFrameIsEscaped() {
    framing.send("a#$}*b");
    String frame = said();
    assertEquals("$a}\3}\4}]}\nb#", frame.substring(0, frame.length() - 2));
    framing.accept(frame, listener);
    assertEquals(List.of("a#$}*b"), heard);
  }

  @Test
  void whatIsTooLongIsNot() {
    framing.accept("$" + "x".repeat(Framing.MOST_PACKET + 100) + "#00$g#67", listener);
    assertEquals(List.of("g"), heard);
    framing.accept("$half$g#67noise", listener);
    assertEquals(List.of("g", "g"), heard);
  }
}
