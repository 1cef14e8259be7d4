package duality.kernel.core;

/** A host thread of the kernel's own: reaches its call slot without a look-up. */
class HostThread extends Thread {
  private static final String PREFIX = "duality ";

  final CallSlot slot;

  HostThread(String name, Runnable body) {
    super(null, body, PREFIX + name, 1 << 20, false);
    setDaemon(true);
    slot = new CallSlot(this);
  }

  /**
   * Only a thread that runs has its slot looked at: one that never starts leaves nothing behind.
   */
  @Override
  public void run() {
    CallSlot.ALL.add(slot);
    super.run();
  }

  /** Its name as it was given. */
  final String plainName() {
    return getName().substring(PREFIX.length());
  }
}
