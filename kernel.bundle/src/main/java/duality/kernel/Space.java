package duality.kernel;

import org.osgi.annotation.versioning.ProviderType;

/**
 * An address space: regions of pages of 4 KiB, each page backed by a frame with rights, or missing.
 * For a native program its virtual memory, for a machine its guest-physical memory.
 *
 * <p>A page is named by its number: the address shifted right by 12. A missing page in a region is
 * an IPC to the region's pager, which maps a frame or refuses.
 *
 * <p><em>Concurrency:</em> any thread. {@link #unmap} and a {@link #map} that takes a right away
 * return when no hart can use the old translation any more and no grant holds the page.
 */
@ProviderType
public interface Space {
  /** Size of a page in bytes. */
  long PAGE_BYTES = 4096;

  /** The space's number, unique while the system runs. */
  int id();

  /** The space's name: the endpoint's path, a colon and the name it was asked for. */
  String name();

  /**
   * Declares a region, empty at first. Its pager is told by {@link Pager#attach}.
   *
   * @param page first page
   * @param pages number of pages, at least 1
   * @param rights bits of READ, WRITE and EXECUTE of {@link duality.kernel.processor.Memory} that
   *     mappings in it may have
   * @param pager who is asked for missing pages
   * @throws CallFailed.BadRequest when it overlaps another region or the address range
   */
  @Needs(Rights.CONTROL)
  void region(long page, long pages, int rights, Pager pager);

  /**
   * Declares a region that has no pager: who has the space maps into it what he likes. A missing
   * page, or a missing right, is an exception of the thread that meets it (cause 12, 13 or 15), for
   * its {@link TrapHandler}.
   *
   * @throws CallFailed.BadRequest when it overlaps another region or the address range
   */
  @Needs(Rights.CONTROL)
  void region(long page, long pages, int rights);

  /** Ends the region that starts at {@code page}: its pages are unmapped and its pager is told. */
  @Needs(Rights.CONTROL)
  void removeRegion(long page);

  /**
   * Changes the rights that {@code pages} pages from {@code page} on may have, mapped or missing;
   * they must lie in one region, and the rights must be among the region's. What is mapped with
   * more loses it at once; a right that is given back comes with the page's next fault.
   */
  @Needs(Rights.CONTROL)
  void protect(long page, long pages, int rights);

  /**
   * Maps frames to pages: page {@code page + i} to frame {@code frame.first() + index + i}.
   *
   * @param rights at most those of the region
   * @throws CallFailed.BadRequest when a page is in no region, or the frame capability does not
   *     hold that many frames
   */
  @Needs(Rights.MAP)
  void map(long page, Frame frame, long index, long count, int rights);

  /**
   * Maps what another space has: page {@code page + i} to the frame that {@code fromPage + i} has
   * there, with those of {@code rights} that it has there. What is taken away there, a page or a
   * right, is taken away here too, before the taking returns (the recursive map of L4 [Lie96]).
   *
   * <p>Its pager is asked for the first page, when it is missing there or lacks a right; of the
   * others only those are mapped that are there.
   *
   * @param from needs {@link Rights#MAP} as well; not a space that got pages from this one
   * @param rights at most those of the region here
   * @return the rights of the first page; 0 when it is in no region there, or its pager refuses
   * @throws CallFailed.BadRequest when a page is in no region here, or spaces would go in circles
   */
  @Needs(Rights.MAP)
  int share(long page, Space from, long fromPage, long count, int rights);

  /** Takes {@code count} pages away; missing ones are passed over. */
  @Needs(Rights.MAP)
  void unmap(long page, long count);

  /** Number of the frame mapped at a page, or -1. */
  @Needs(Rights.MAP)
  long frameAt(long page);

  /** How many pages are mapped. */
  long mappedPages();

  /**
   * Lends memory to the caller, after missing pages have been asked for.
   *
   * @param address first byte
   * @param length in bytes, at least 1
   * @param access bits of READ and WRITE of {@link duality.kernel.processor.Memory}
   * @throws CallFailed.BadRequest when a byte lies outside the regions or its pager refuses: a
   *     wrong address of a guest ends here
   */
  @Needs(Rights.READ)
  Grant grant(long address, long length, int access);
}
