package duality.kernel.processor;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A core space as an engine sees it: pages of 4 KiB, each backed by a frame at a host address.
 *
 * <p><em>Concurrency:</em> all methods may be called by any thread at any time. An engine may keep
 * what {@link #translate} answered until {@link #epoch} changes. It compares the epoch at least
 * each time {@link Hart#run} is entered; the kernel makes a hart leave {@code run} (through {@link
 * Lines#ATTENTION}) when a translation is taken away, and does not use the frame for anything else
 * before the hart has left.
 */
@ProviderType
public interface Memory {
  /** Bits of a page number's offset: pages are 4,096 bytes. */
  int PAGE_SHIFT = 12;

  /** Access: the page may be read. */
  int READ = 1;

  /** Access: the page may be written. */
  int WRITE = 2;

  /** Access: instructions may be fetched from the page. */
  int EXECUTE = 4;

  /** Answer of {@link #translate}: inside a region, but no frame with that right is mapped now. */
  long MISSING = 0;

  /** Answer of {@link #translate}: in no region; for a full hart that is MMIO or nothing. */
  long OUTSIDE = 1;

  /**
   * Translates one page.
   *
   * @param page page number, the address shifted right by {@link #PAGE_SHIFT}, unsigned
   * @param access one of {@link #READ}, {@link #WRITE}, {@link #EXECUTE}
   * @return the host address of the page's first byte, aligned to 4 KiB, or {@link #MISSING} or
   *     {@link #OUTSIDE}
   */
  long translate(long page, int access);

  /** A number that changes whenever a translation was taken away or lost a right. */
  int epoch();
}
