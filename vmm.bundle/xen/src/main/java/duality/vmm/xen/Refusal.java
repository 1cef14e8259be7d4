package duality.vmm.xen;

/** Why a hypercall is refused: what the guest gets, negated, as its result. */
final class Refusal {
  static final int OK = 0;

  /** Not the guest's, or not now. */
  static final int PERMISSION = 1;

  /** There is no such port, grant or driver. */
  static final int NOTHING_THERE = 6;

  /** More than may be asked for at once. */
  static final int TOO_MUCH = 7;

  /** Asked for again, it may be done. */
  static final int AGAIN = 11;

  /** No room left. */
  static final int NO_ROOM = 12;

  /** An address that the guest has not mapped so. */
  static final int FAULT = 14;

  /** In use as something else. */
  static final int BUSY = 16;

  /** It means nothing. */
  static final int INVALID = 22;

  /** There is no such hypercall. */
  static final int UNKNOWN = 38;

  private Refusal() {}
}
