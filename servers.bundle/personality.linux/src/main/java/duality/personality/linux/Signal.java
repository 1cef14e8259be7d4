package duality.personality.linux;

/**
 * The signal that Linux sends for an exception of the hart (arch/riscv/kernel/traps.c, fault.c);
 * here it always ends the program.
 *
 * @param number of the signal
 * @param what happened, in words
 * @param hasAddress whether the trap value is an address that belongs to it
 */
record Signal(int number, String what, boolean hasAddress) {
  private static final int ILL = 4;
  private static final int TRAP = 5;
  private static final int BUS = 7;
  private static final int SEGV = 11;

  /** The signal for an exception cause (RISC-V Priv. table 3.6). */
  static Signal of(int cause) {
    return switch (cause) {
      case 0 -> new Signal(BUS, "jump to a misaligned address", true);
      case 2 -> new Signal(ILL, "illegal instruction", false);
      case 3 -> new Signal(TRAP, "breakpoint", false);
      case 4 -> new Signal(BUS, "misaligned load from", true);
      case 6 -> new Signal(BUS, "misaligned store to", true);
      case 1, 12 -> new Signal(SEGV, "segmentation fault: instruction fetch from", true);
      case 5, 13 -> new Signal(SEGV, "segmentation fault: load from", true);
      case 7, 15 -> new Signal(SEGV, "segmentation fault: store to", true);
      default -> new Signal(ILL, "exception " + cause + " with value", true);
    };
  }
}
