package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Loads and stores as the assembler writes them (RISC-V Unpriv., RV64I and "C"). */
class MemoryAccessTest {
  @ParameterizedTest
  @CsvSource({
    "fff50583, lb a1 -1(a0), false, 1, true, 11, 10, -1, 4",
    "00255583, lhu a1 2(a0), false, 2, false, 11, 10, 2, 4",
    "7ff56583, lwu a1 2047(a0), false, 4, false, 11, 10, 2047, 4",
    "80053583, ld a1 -2048(a0), false, 8, true, 11, 10, -2048, 4",
    "00b50023, sb a1 0(a0), true, 1, false, 11, 10, 0, 4",
    "feb51fa3, sh a1 -1(a0), true, 2, false, 11, 10, -1, 4",
    "80b53023, sd a1 -2048(a0), true, 8, false, 11, 10, -2048, 4",
    "41cc, c.lw a1 4(a1), false, 4, true, 11, 11, 4, 2",
    "5d6c, c.lw a1 124(a0), false, 4, true, 11, 10, 124, 2",
    "7d6c, c.ld a1 248(a0), false, 8, true, 11, 10, 248, 2",
    "c14c, c.sw a1 4(a0), true, 4, false, 11, 10, 4, 2",
    "fd6c, c.sd a1 248(a0), true, 8, false, 11, 10, 248, 2",
    "50fe, c.lwsp ra 252(sp), false, 4, true, 1, 2, 252, 2",
    "70fe, c.ldsp ra 504(sp), false, 8, true, 1, 2, 504, 2",
    "dfae, c.swsp a1 252(sp), true, 4, false, 11, 2, 252, 2",
    "ffae, c.sdsp a1 504(sp), true, 8, false, 11, 2, 504, 2",
  })
  void itsPartsAreThese(
      String hex,
      String name,
      boolean store,
      int width,
      boolean signed,
      int value,
      int base,
      int offset,
      int bytes) {
    MemoryAccess expected =
        new MemoryAccess(store, width, store ? false : signed, value, base, offset, bytes);
    MemoryAccess actual = MemoryAccess.of(Integer.parseUnsignedInt(hex, 16));
    assertEquals(expected, actual, name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "00000013",
        "0005b507",
        "00b52027",
        "00b5252f",
        "00057583",
        "00b54023",
        "2108",
        "a108",
        "0001",
        "4002",
        "2082",
        "0000",
        "8082"
      })
  void othersAreNone(String hex) {
    assertNull(MemoryAccess.of(Integer.parseUnsignedInt(hex, 16)), hex);
  }

  @ParameterizedTest
  @CsvSource({
    "1, true, ff, -1",
    "1, false, ff, 255",
    "4, true, 80000000, -2147483648",
    "8, true, 7, 7"
  })
  void whatIsLoadedIsExtended(int width, boolean signed, String loaded, long expected) {
    MemoryAccess access = new MemoryAccess(false, width, signed, 5, 6, 0, 4);
    assertEquals(expected, access.extended(Long.parseUnsignedLong(loaded, 16)));
  }
}
