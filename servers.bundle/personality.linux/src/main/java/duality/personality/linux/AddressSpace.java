package duality.personality.linux;

import duality.kernel.CallFailed;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A program's virtual memory: areas in the core space, with what brk, mmap, munmap and mprotect do
 * to them.
 *
 * <p>Every area is one region with all rights, whose pages are then protected to what the program
 * asked for; so rights can be given and taken page by page. A region cannot be cut: pages unmapped
 * inside one lose all rights and are noted as gone, and are made zero when something is mapped over
 * them. Their frames go back when the last page of the area is gone.
 *
 * <pre>
 *   0x1000                the program, then its heap, growing up
 *   ...                   mappings, the first one highest
 *   0x3f_ff80_0000        end of the mappings
 *   0x3f_ffff_f000        end of the stack, 8 MiB or a quarter of the memory
 * </pre>
 *
 * <p><em>Concurrency:</em> none: used by the program's one thread while it is in its trap handler,
 * or while it is stopped.
 */
final class AddressSpace {
  /** The lowest address that a program may use: page 0 stays empty, so that null pointers fault. */
  static final long LOWEST = 0x1000;

  /** The end of the addresses that a program may use, as with Sv39: the last page stays empty. */
  static final long HIGHEST = 0x3f_ffff_f000L;

  private static final long PAGE = Space.PAGE_BYTES;
  private static final long MAPPINGS_END = 0x3f_ff80_0000L >> Memory.PAGE_SHIFT;
  private static final long MOST_STACK_PAGES = (8 << 20) / PAGE;
  private static final int READ_WRITE = Memory.READ | Memory.WRITE;
  private static final int ALL = READ_WRITE | Memory.EXECUTE;
  private static final int MOST_AREAS = 1024;
  private static final long LEAST_GROWTH_PAGES = 64;

  private final Space space;
  private final Pager pager;
  private final UserMemory memory;
  private final long limitPages;
  private final TreeMap<Long, Area> areas = new TreeMap<>();
  private long heapStart;
  private long heapBreak;

  AddressSpace(Space space, Pager pager, long limitBytes) {
    this.space = space;
    this.pager = pager;
    this.memory = new UserMemory(space);
    this.limitPages = limitBytes / PAGE;
  }

  UserMemory memory() {
    return memory;
  }

  /** Size of the stack in bytes. */
  long stackBytes() {
    return Math.min(MOST_STACK_PAGES, limitPages / 4) * PAGE;
  }

  /** Puts a program into the empty space, with an empty stack. */
  void load(Elf program, byte[] file) throws Elf.Malformed {
    long pages = stackBytes() / PAGE;
    for (Elf.Segment each : program.segments()) {
      pages += pageAfter(each.end()) - page(each.address());
    }
    if (pages > limitPages || stackBytes() < 16 * PAGE) {
      throw new Elf.Malformed(
          "it needs "
              + (pages * PAGE >> 10)
              + " KiB with its stack, and may use "
              + (limitPages * PAGE >> 10)
              + " KiB (memory)");
    }
    try {
      List<Elf.Segment> together = new ArrayList<>();
      for (Elf.Segment each : program.segments()) {
        if (!together.isEmpty() && page(each.address()) > pageAfter(together.getLast().end())) {
          loadTogether(together, file);
          together.clear();
        }
        together.add(each);
      }
      loadTogether(together, file);
      addArea(
          page(HIGHEST - stackBytes()),
          stackBytes() / PAGE,
          program.executableStack() ? ALL : READ_WRITE);
    } catch (UserMemory.Fault | CallFailed.BadRequest e) {
      throw new Elf.Malformed("its memory cannot be had: " + e.getMessage());
    }
    heapStart = pageAfter(program.segments().getLast().end()) * PAGE;
    heapBreak = heapStart;
  }

  /** Segments that share or touch pages become one area. */
  private void loadTogether(List<Elf.Segment> segments, byte[] file) throws UserMemory.Fault {
    long first = page(segments.getFirst().address());
    int[] rights = new int[(int) (pageAfter(segments.getLast().end()) - first)];
    addArea(first, rights.length, ALL);
    for (Elf.Segment each : segments) {
      memory.write(each.address(), file, each.offset(), each.fileBytes());
      for (long at = page(each.address()); at < pageAfter(each.end()); at++) {
        rights[(int) (at - first)] |= each.rights();
      }
    }
    for (int i = 0; i < rights.length; i++) {
      setRights(first + i, first + i + 1, rights[i]);
    }
  }

  /** System call brk: moves the end of the heap; answers where it is then. */
  long brk(long wanted) {
    if (wanted < heapStart || wanted >= HIGHEST) {
      return heapBreak;
    }
    long from = pageAfter(heapBreak);
    long to = pageAfter(wanted);
    if (to < from) {
      unmapPages(to, from);
    } else if (to > from && (anythingAt(from, to) || !mapNew(from, to, READ_WRITE, true))) {
      return heapBreak;
    }
    heapBreak = wanted;
    return heapBreak;
  }

  /**
   * System call mmap of anonymous memory.
   *
   * @param fixed whether {@code address} is no wish but where it has to be
   * @param replace whether what is there already may be replaced
   * @return the address or an error number
   */
  long map(long address, long length, int rights, boolean fixed, boolean replace) {
    if (length <= 0 || (fixed && address % PAGE != 0)) {
      return Errno.EINVAL;
    }
    if (length > HIGHEST) {
      return Errno.ENOMEM;
    }
    long pages = pageAfter(length);
    long first = page(address);
    boolean possible = address >= LOWEST && address <= HIGHEST - pages * PAGE;
    if (fixed) {
      if (!possible) {
        return Errno.ENOMEM;
      }
      if (!replace && !isFree(first, first + pages)) {
        return Errno.EEXIST;
      }
    } else if (!possible || !isFree(first, first + pages)) {
      first = highestGap(pages);
      if (first < 0) {
        return Errno.ENOMEM;
      }
    }
    return mapNew(first, first + pages, rights, false) ? first * PAGE : Errno.ENOMEM;
  }

  /** System call munmap. */
  long unmap(long address, long length) {
    if (address % PAGE != 0
        || address < 0
        || length <= 0
        || length > HIGHEST
        || address > HIGHEST - length) {
      return Errno.EINVAL;
    }
    unmapPages(page(address), pageAfter(address + length));
    return 0;
  }

  /** System call mprotect. */
  long protect(long address, long length, int rights) {
    if (address % PAGE != 0) {
      return Errno.EINVAL;
    }
    if (address < 0 || length < 0 || length > HIGHEST || address > HIGHEST - length) {
      return Errno.ENOMEM;
    }
    long from = page(address);
    long to = pageAfter(address + length);
    for (long at = from; at < to; at++) {
      Area area = areaOf(at);
      if (area == null || area.isGone(at)) {
        return Errno.ENOMEM;
      }
    }
    setRights(from, to, rights);
    return 0;
  }

  /** Gives all memory back: the program has ended. */
  void release() {
    while (!areas.isEmpty()) {
      Area area = areas.pollFirstEntry().getValue();
      try {
        space.removeRegion(area.page());
      } catch (CallFailed e) {
        // The region is gone all the same; its frames go back when the pager's endpoint ends.
      }
    }
  }

  /** Maps pages, zero, over whatever is there; says whether memory allows it. */
  private boolean mapNew(long from, long to, int rights, boolean grows) {
    long accessible = 0;
    long all = 0;
    for (Area each : areas.values()) {
      accessible += each.accessible();
      all += each.pages();
    }
    if ((rights != 0 && accessible + to - from > limitPages)
        || all + to - from > 5 * limitPages
        || areas.size() >= MOST_AREAS) {
      return false;
    }
    for (long at = from; at < to; ) {
      Area there = areaOf(at);
      long end = there == null ? Math.min(to, nextArea(at)) : Math.min(to, there.endPage());
      if (there != null) {
        makeZero(at, end);
      } else if (!(grows && end == to
          ? addGrowing(at, end, rights)
          : tryAddArea(at, end - at, rights))) {
        unmapPages(from, at);
        return false;
      }
      setRights(at, end, rights);
      at = end;
    }
    return true;
  }

  /**
   * Adds an area to the heap, larger than asked for: as large as the heap is already, so that a
   * heap is a few areas and not hundreds. The pages behind {@code to} are gone until the heap
   * reaches them.
   */
  private boolean addGrowing(long from, long to, int rights) {
    long wish = Math.max(LEAST_GROWTH_PAGES, Math.max(to - from, from - page(heapStart)));
    long larger = Math.min(wish, nextArea(from) - from);
    if (!tryAddArea(from, larger, rights)) {
      return tryAddArea(from, to - from, rights);
    }
    if (from + larger > to) {
      unmapPages(to, from + larger);
    }
    return true;
  }

  private boolean tryAddArea(long page, long pages, int rights) {
    try {
      addArea(page, pages, rights);
      return true;
    } catch (CallFailed.BadRequest e) {
      return false; // A pager that pins has no room for it.
    }
  }

  private void addArea(long page, long pages, int rights) {
    space.region(page, pages, ALL, pager);
    areas.put(page, new Area(page, Math.toIntExact(pages)));
    setRights(page, page + pages, rights);
  }

  private void unmapPages(long from, long to) {
    for (Area area : areasWithin(from, to)) {
      long first = Math.max(from, area.page());
      long end = Math.min(to, area.endPage());
      area.unmapped(first, end);
      if (area.isAllGone()) {
        areas.remove(area.page());
        space.removeRegion(area.page());
      } else {
        space.protect(first, end - first, 0);
      }
    }
  }

  private void setRights(long from, long to, int rights) {
    for (Area area : areasWithin(from, to)) {
      long first = Math.max(from, area.page());
      long end = Math.min(to, area.endPage());
      space.protect(first, end - first, rights);
      area.mapped(first, end, rights != 0);
    }
  }

  /** Clears those pages that have a frame; the others are zero when they are touched. */
  private void makeZero(long from, long to) {
    byte[] zeros = new byte[(int) PAGE];
    for (long at = from; at < to; at++) {
      if (space.frameAt(at) >= 0) {
        space.protect(at, 1, READ_WRITE);
        try {
          memory.write(at * PAGE, zeros);
        } catch (UserMemory.Fault e) {
          throw new IllegalStateException("page " + at + " has a frame and cannot be written");
        }
      }
    }
  }

  private List<Area> areasWithin(long from, long to) {
    List<Area> within = new ArrayList<>();
    Area first = areaOf(from);
    if (first != null && first.page() < from) {
      within.add(first);
    }
    if (from < to) {
      within.addAll(areas.subMap(from, to).values());
    }
    return within;
  }

  private @Nullable Area areaOf(long page) {
    Map.Entry<Long, Area> entry = areas.floorEntry(page);
    return entry != null && page < entry.getValue().endPage() ? entry.getValue() : null;
  }

  /** Whether something is mapped there; pages that are gone do not count. */
  private boolean anythingAt(long from, long to) {
    for (Area area : areasWithin(from, to)) {
      for (long at = Math.max(from, area.page()); at < Math.min(to, area.endPage()); at++) {
        if (!area.isGone(at)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean isFree(long from, long to) {
    return areasWithin(from, to).isEmpty();
  }

  private long nextArea(long page) {
    Long next = areas.higherKey(page);
    return next == null ? page(HIGHEST) : next;
  }

  /** The first page of the highest gap below the mappings' end that is large enough, or -1. */
  private long highestGap(long pages) {
    long end = MAPPINGS_END;
    for (Area area : areas.headMap(MAPPINGS_END, false).descendingMap().values()) {
      if (end - area.endPage() >= pages) {
        return end - pages;
      }
      end = Math.min(end, area.page());
    }
    return end - page(LOWEST) >= pages ? end - pages : -1;
  }

  private static long page(long address) {
    return address >> Memory.PAGE_SHIFT;
  }

  /** The first page that begins at or behind {@code address}. */
  private static long pageAfter(long address) {
    return (address + PAGE - 1) >> Memory.PAGE_SHIFT;
  }

  /** The books, for a successor; the memory itself stays in the space. */
  State save() {
    List<State> each = new ArrayList<>();
    for (Area area : areas.values()) {
      each.add(
          State.of("area", 1)
              .with("page", area.page())
              .with("pages", area.pages())
              .with("gone", area.goneWords())
              .with("closed", area.closedWords()));
    }
    return State.of("memory", 1)
        .with("heapStart", heapStart)
        .with("heapBreak", heapBreak)
        .with("areas", each);
  }

  /** Takes a predecessor's books over. */
  void restore(State saved) {
    saved.expect("memory", 1);
    heapStart = saved.number("heapStart", 0, HIGHEST);
    heapBreak = saved.number("heapBreak", heapStart, HIGHEST);
    for (State each : saved.states("areas")) {
      each.expect("area", 1);
      long page = each.number("page", page(LOWEST), page(HIGHEST) - 1);
      int pages = (int) each.number("pages", 1, Math.min(page(HIGHEST) - page, 1L << 28));
      Area area = new Area(page, pages);
      if (!isFree(page, page + pages)
          || !area.restore(each.numbers("gone"), each.numbers("closed"))) {
        throw new State.Refused(
            "memory.areas: "
                + pages
                + " pages from "
                + page
                + " on overlap another area, or are "
                + "marked beyond their end");
      }
      areas.put(page, area);
    }
  }
}
