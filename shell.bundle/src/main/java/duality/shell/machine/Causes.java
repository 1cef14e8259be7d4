package duality.shell.machine;

/** Names of traps (RISC-V Priv. tables 3.6 and 4.2). */
final class Causes {
  private static final String[] EXCEPTIONS = {
    "instruction address misaligned",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "load address misaligned",
    "load access fault",
    "store address misaligned",
    "store access fault",
    "call from U",
    "call from S",
    "",
    "call from M",
    "instruction page fault",
    "load page fault",
    "",
    "store page fault"
  };

  private Causes() {}

  /** What scause or mcause says. */
  static String name(long cause) {
    if (cause >= 0) {
      String name = cause < EXCEPTIONS.length ? EXCEPTIONS[(int) cause] : "";
      return name.isEmpty() ? "exception " + cause : name;
    }
    int number = (int) cause & 63;
    return switch (number) {
      case 1 -> "supervisor software interrupt";
      case 3 -> "machine software interrupt";
      case 5 -> "supervisor timer interrupt";
      case 7 -> "machine timer interrupt";
      case 9 -> "supervisor external interrupt";
      case 11 -> "machine external interrupt";
      default -> "interrupt " + number;
    };
  }
}
