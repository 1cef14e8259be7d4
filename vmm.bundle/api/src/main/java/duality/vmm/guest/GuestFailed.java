package duality.vmm.guest;

/** Something was not done in a guest. The message says what, and why. */
public final class GuestFailed extends Exception {
  private static final long serialVersionUID = 1;

  /** With that message. */
  public GuestFailed(String message) {
    super(message, null, false, false);
  }
}
