package duality.vmm.trap;

/** Which instructions need floating point to be on (F and D extensions, and C's part of them). */
final class FloatInstructions {
  private FloatInstructions() {}

  /** Whether that word is one, legal or not. */
  static boolean includes(int word) {
    if ((word & 3) != 3) {
      int kind = word >>> 13 & 7;
      return (word & 3) != 1 && (kind == 1 || kind == 5); // fld and fsd, also relative to sp
    }
    return switch (word & 0x7f) {
      case 0x07, 0x27, 0x43, 0x47, 0x4b, 0x4f, 0x53 -> true;
      case 0x73 -> (word >>> 12 & 3) != 0 && word >>> 20 >= 1 && word >>> 20 <= 3;
      default -> false;
    };
  }
}
