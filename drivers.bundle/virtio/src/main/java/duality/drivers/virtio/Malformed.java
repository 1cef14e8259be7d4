package duality.drivers.virtio;

/**
 * A guest's ring or request breaks the rules. Always caught by the device, which then needs a
 * reset; nothing else is affected. Without a stack trace: a guest can cause as many as it likes.
 */
public final class Malformed extends Exception {
  private static final long serialVersionUID = 1;

  /** Says what was found where. */
  public Malformed(String message) {
    super(message, null, false, false);
  }
}
