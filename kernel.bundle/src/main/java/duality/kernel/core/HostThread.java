package duality.kernel.core;

import org.jspecify.annotations.Nullable;

/** A host thread of the kernel's own: reaches its call slot without a look-up. */
class HostThread extends Thread {
  private static final String PREFIX = "duality ";

  final CallSlot slot;

  /** What it does, if that is such work; only used by itself. */
  @Nullable HandOver handOver;

  HostThread(String name, Runnable body) {
    super(null, body, PREFIX + name, 1 << 20, false);
    setDaemon(true);
    setContextClassLoader(ClassLoader.getSystemClassLoader()); // not what its starter had
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

  final void rename(String name) {
    setName(PREFIX + name);
  }
}
