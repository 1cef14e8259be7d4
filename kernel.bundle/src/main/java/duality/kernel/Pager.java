package duality.kernel;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Supplies the missing pages of spaces. An external pager in the sense of Mach [YTR+87] and L4
 * [Lie96]: the kernel asks by IPC, the pager answers with {@link Space#map}.
 *
 * <p>Its endpoint has the space in the slot {@code space} (with the right {@link Rights#MAP}) when
 * it serves one space only.
 */
@ConsumerType
@Protocol(rank = Protocol.PAGER, stallMillis = 1_000)
public interface Pager {
  /**
   * A region is now this pager's to fill. A pager that fills ahead does it here.
   *
   * @param rights rights that mappings of the region may have
   * @throws CallFailed.BadRequest when the quota does not allow the region
   */
  void attach(int space, long page, long pages, int rights);

  /** The region is no more; its pages have been unmapped, its frames are the pager's again. */
  void detach(int space, long page, long pages);

  /**
   * Pages of a region are not needed for now, and what was in them is lost: they have been
   * unmapped, their frames are the pager's again. Touched again they are as new. A pager may keep
   * them.
   */
  default void release(int space, long page, long pages) {}

  /**
   * A page is missing, or its mapping lacks a right. Repeated after a failure: who repeats the
   * access would ask again anyway, and a pager that knows the page's frame maps the same one.
   *
   * @param access READ, WRITE or EXECUTE of {@link duality.kernel.processor.Memory}
   * @return true when the access can be repeated, false when it is refused
   */
  @Idempotent
  boolean fault(int space, long page, int access);
}
