package duality.shell.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ByteSizeTest {
  @Test
  void unitsAreOf1024() {
    assertEquals(512L << 20, ByteSize.parse("512M"));
    assertEquals(512L << 20, ByteSize.parse("512MiB"));
    assertEquals(1L << 30, ByteSize.parse("1g"));
    assertEquals(64L << 10, ByteSize.parse("64k"));
    assertEquals(4096, ByteSize.parse("4096"));
    assertEquals(2L << 40, ByteSize.parse("2TB"));
  }

  @Test
  void whatIsNoSizeIsRefusedWithAnExample() {
    for (String wrong : new String[] {"", "M", "1.5G", "-1M", "12 M", "1P", "0x10", "M1"}) {
      var e = assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(wrong), wrong);
      assertEquals(true, e.getMessage().contains("512M"), e.getMessage());
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> ByteSize.parse("9000000T"));
    assertEquals(8_388_607L << 40, ByteSize.parse("8388607T"));
    assertThrows(IllegalArgumentException.class, () -> ByteSize.parse("8388608T"));
  }

  @Test
  void shownSizesAreShort() {
    assertEquals("0B", ByteSize.show(0));
    assertEquals("1023B", ByteSize.show(1023));
    assertEquals("4K", ByteSize.show(4096));
    assertEquals("1.5K", ByteSize.show(1536));
    assertEquals("512M", ByteSize.show(512L << 20));
    assertEquals("1G", ByteSize.show(1L << 30));
    assertEquals("3T", ByteSize.show(3L << 40));
  }

  @Test
  void wholeUnitsAreReadAsTheyAreShown() {
    long seed = 7;
    Random random = new Random(seed);
    for (int i = 0; i < 1000; i++) {
      long size = (1 + random.nextInt(1023)) * (1L << (10 * random.nextInt(5)));
      assertEquals(size, ByteSize.parse(ByteSize.show(size)), "seed " + seed + ", " + size);
    }
  }
}
