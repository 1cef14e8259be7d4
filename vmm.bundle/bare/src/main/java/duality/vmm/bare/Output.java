package duality.vmm.bare;

/** The last 64 KiB of what a program wrote, one character for each byte. */
final class Output {
  private static final int MOST = 1 << 16;

  private final StringBuilder text = new StringBuilder();

  void add(int value) {
    if (text.length() >= 2 * MOST) {
      text.delete(0, text.length() - MOST);
    }
    text.append((char) (value & 0xff));
  }

  String text() {
    return text.substring(Math.max(0, text.length() - MOST));
  }
}
