package duality.faults;

/** What a guest did that it must not. */
final class Deviation extends Exception {
  private static final long serialVersionUID = 1;

  /** Whether it said something, and that was wrong; otherwise it said nothing in time. */
  final boolean wrong;

  Deviation(boolean wrong, String message) {
    super(message);
    this.wrong = wrong;
  }
}
