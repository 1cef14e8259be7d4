package duality.kernel;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A word of bits that one side sets and another waits for: Xen's event channel, and how interrupts
 * arrive. When it is bound to a thread, its low bits are the hart's interrupt lines (see {@link
 * duality.kernel.processor.Lines}).
 *
 * <p><em>Concurrency:</em> any thread; signalling never waits, but for a hart that is to fence
 * ({@code Lines.FENCE}) and is in the engine: some microseconds. What was written before a {@link
 * #signal} is visible to whoever takes the bits.
 */
@ProviderType
public interface Notification {
  /** Sets bits and wakes who waits for one of them. */
  @Needs(Rights.WRITE)
  void signal(long bits);

  /** Clears bits: lowers a level. */
  @Needs(Rights.WRITE)
  void clear(long bits);

  /** The word as it is now. */
  @Needs(Rights.READ)
  long word();

  /**
   * Takes bits: waits until at least one of {@code mask} is set, clears those and answers them; 0
   * when {@code timeoutNanos} passed first (0: does not wait).
   */
  @Needs(Rights.READ)
  long take(long mask, long timeoutNanos);
}
