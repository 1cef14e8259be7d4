package duality.personality.linux;

import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The virtual memory of a process: areas, and the pages of {@link MainMemory} that it has, of which
 * the core space shows what was touched. The personality is its pager: a page that is missing there
 * is an exception of the thread, and {@link #resolve} mends it by {@link Space#share}.
 *
 * <p>A page with several owners is shown without the right to write. A write to it gives the
 * process a copy of its own: so {@link #fork} copies books and no memory.
 *
 * <pre>
 *   0x1000                the program, then its heap, growing up
 *   ...                   mappings, the first one highest
 *   0x3f_ff7f_d000        one page of code that ends a signal handler
 *   0x3f_ffff_f000        end of the stack, 8 MiB or a quarter of the memory
 * </pre>
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link Task}.
 */
final class AddressSpace {
  /** The lowest address that a program may use: page 0 stays empty, so that null pointers fault. */
  static final long LOWEST = 0x1000;

  /** The end of the addresses that a program may use, as with Sv39: the last page stays empty. */
  static final long HIGHEST = 0x3f_ffff_f000L;

  /** Where the code is that a signal handler returns to. */
  static final long TRAMPOLINE = 0x3f_ff7f_d000L;

  private static final long PAGE = Space.PAGE_BYTES;
  private static final long MOST_STACK_PAGES = (8 << 20) / PAGE;
  private static final int READ_WRITE = Memory.READ | Memory.WRITE;
  private static final int ALL = READ_WRITE | Memory.EXECUTE;
  private static final int MOST_AREAS = 1024;

  /** Pages that are shown with the one that was touched, when they lie side by side. */
  private static final int AROUND = 16;

  /** Pages of a region of the core space: it has one where areas are. */
  private static final int REGION_SHIFT = 18;

  private final Space space;
  private final MainMemory memory;
  private final UserMemory user;
  private final TreeMap<Long, Area> areas = new TreeMap<>();

  /** Each page that it has: its number in main memory, times 2, plus 1 when it can be written. */
  private final TreeMap<Long, Integer> pages = new TreeMap<>();

  private final TreeMap<Long, Boolean> regions = new TreeMap<>();
  private long heapStart;
  private long heapBreak;

  AddressSpace(Space space, MainMemory memory) {
    this.space = space;
    this.memory = memory;
    this.user = new UserMemory(space, this);
  }

  UserMemory memory() {
    return user;
  }

  /** Pages that it has. */
  int resident() {
    return pages.size();
  }

  /** Pages of all its areas. */
  long virtualPages() {
    return areas.values().stream().mapToLong(Area::pages).sum();
  }

  /** Size of the stack in bytes. */
  long stackBytes() {
    return Math.min(MOST_STACK_PAGES, memory.limit() / 4) * PAGE;
  }

  /** An area of a new program; over others, when programs are made so. */
  void put(Area area) {
    unmapPages(area.first(), area.end());
    add(area);
  }

  /** A stack, code for signals, and a heap that begins at {@code address}. */
  void start(long address, boolean executableStack) {
    add(
        new Area(
            page(HIGHEST - stackBytes()),
            page(HIGHEST),
            executableStack ? ALL : READ_WRITE,
            null,
            0,
            false));
    add(
        new Area(
            page(TRAMPOLINE), page(TRAMPOLINE) + 1, Memory.READ | Memory.EXECUTE, null, 0, false));
    heapStart = pageAfter(address) * PAGE;
    heapBreak = heapStart;
  }

  /**
   * Mends an access to a page that is not shown, or not with that right.
   *
   * @param access one of READ, WRITE and EXECUTE of {@link Memory}
   * @return whether it can be repeated; false when the program may not do that, or there is no
   *     memory
   */
  boolean resolve(long page, int access) {
    Area area = areaOf(page);
    if (area == null || (area.rights() & access) == 0) {
      return false;
    }
    Integer entry = pages.get(page);
    int frame = entry == null ? firstTouch(area, page) : entry >> 1;
    if (frame < 0) {
      return false;
    }
    if (access == Memory.WRITE && !area.shared() && memory.isShared(frame)) {
      int copy = memory.copy(frame);
      if (copy < 0) {
        if (entry == null) {
          memory.disown(frame);
        }
        return false;
      }
      memory.disown(frame);
      frame = copy;
    }
    int rights = shown(area, frame);
    pages.put(page, entry(frame, rights));
    int count = (rights & Memory.WRITE) != 0 ? 1 : 1 + around(area, page, frame);
    return (space.share(page, memory.space(), frame, count, rights) & access) != 0;
  }

  /** Whether the program may access a page so, if there is memory. */
  boolean allows(long page, int access) {
    Area area = areaOf(page);
    return area != null && (area.rights() & access) != 0;
  }

  /** Rights with which a page is shown: it is not to be written while others have it, too. */
  private int shown(Area area, int frame) {
    boolean copied = !area.shared() && memory.isShared(frame);
    return area.rights() & (copied ? ~Memory.WRITE : ALL);
  }

  private static int entry(int frame, int rights) {
    return frame << 1 | (rights & Memory.WRITE) >> 1;
  }

  /** The page of main memory for a page that was never touched, with one owner more. */
  private int firstTouch(Area area, long page) {
    RegularFile file = area.file();
    if (file == null) {
      return memory.allocate();
    }
    int frame = area.shared() ? file.make(area.fileIndex(page)) : file.frame(area.fileIndex(page));
    if (frame < 0) {
      return area.shared() ? -1 : memory.allocate();
    }
    memory.own(frame);
    return frame;
  }

  /** How many pages behind this one lie behind it in main memory, too, and cannot be written. */
  private int around(Area area, long page, int frame) {
    int count = 0;
    while (count < AROUND - 1 && page + count + 1 < area.end()) {
      long next = page + count + 1;
      int wanted = frame + count + 1;
      Integer entry = pages.get(next);
      if (entry == null) {
        if (area.file() == null || area.file().frame(area.fileIndex(next)) != wanted) {
          break;
        }
        memory.own(wanted);
        pages.put(next, wanted << 1);
      } else if (entry != wanted << 1 || shown(area, wanted) != shown(area, frame)) {
        break;
      }
      count++;
    }
    return count;
  }

  /** Whether pages of that file may still be wanted. */
  boolean maps(RegularFile file) {
    return areas.values().stream().anyMatch(area -> area.file() == file);
  }

  /** What a child starts with: the same pages, which from now on nobody writes. */
  void fork(AddressSpace child) {
    for (Area area : areas.values()) {
      child.add(area);
    }
    Area area = null;
    long runFrom = 0;
    int runFrame = 0;
    int run = 0;
    for (Map.Entry<Long, Integer> each : pages.entrySet()) {
      long page = each.getKey();
      int frame = each.getValue() >> 1;
      memory.own(frame);
      child.pages.put(page, frame << 1);
      if (area == null || page >= area.end()) {
        area = areaOf(page);
      }
      if ((each.getValue() & 1) == 0 || area == null || area.shared()) {
        continue;
      }
      each.setValue(frame << 1);
      if (run > 0 && (page != runFrom + run || frame != runFrame + run || page == area.first())) {
        closeToWriting(runFrom, runFrame, run);
        run = 0;
      }
      if (run++ == 0) {
        runFrom = page;
        runFrame = frame;
      }
    }
    if (run > 0) {
      closeToWriting(runFrom, runFrame, run);
    }
    child.heapStart = heapStart;
    child.heapBreak = heapBreak;
  }

  private void closeToWriting(long page, int frame, int count) {
    Area area = areaOf(page);
    int rights = area == null ? Memory.READ : area.rights() & ~Memory.WRITE;
    space.share(page, memory.space(), frame, count, rights);
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
    } else if (to > from
        && (!isFree(from, to) || !mapNew(new Area(from, to, READ_WRITE, null, 0, false)))) {
      return heapBreak;
    }
    heapBreak = wanted;
    return heapBreak;
  }

  /**
   * System call mmap.
   *
   * @param fixed whether {@code address} is no wish but where it has to be
   * @param replace whether what is there already may be replaced
   * @param file what is mapped; nothing: zeros
   * @param filePage its first page that is mapped
   * @return the address or an error number
   */
  long map(
      long address,
      long length,
      int rights,
      boolean fixed,
      boolean replace,
      @Nullable RegularFile file,
      long filePage,
      boolean shared) {
    if (length <= 0 || (fixed && address % PAGE != 0)) {
      return Errno.EINVAL;
    }
    if (length > HIGHEST) {
      return Errno.ENOMEM;
    }
    long count = pageAfter(length);
    long first = page(address);
    boolean possible = address >= LOWEST && address <= HIGHEST - count * PAGE;
    if (fixed) {
      if (!possible) {
        return Errno.ENOMEM;
      }
      if (!replace && !isFree(first, first + count)) {
        return Errno.EEXIST;
      }
    } else if (!possible || !isFree(first, first + count)) {
      first = highestGap(count);
      if (first < 0) {
        return Errno.ENOMEM;
      }
    }
    return mapNew(new Area(first, first + count, rights, file, filePage, shared))
        ? first * PAGE
        : Errno.ENOMEM;
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

  /**
   * System call mremap: makes a mapping longer or shorter, elsewhere if that is allowed and there
   * is no room where it is. What was in it stays in it.
   */
  long remap(long address, long oldLength, long newLength, boolean mayMove) {
    if (address % PAGE != 0 || address < 0 || oldLength <= 0 || newLength <= 0) {
      return Errno.EINVAL;
    }
    if (oldLength > HIGHEST || newLength > HIGHEST) {
      return Errno.ENOMEM;
    }
    long first = page(address);
    long before = pageAfter(oldLength);
    long after = pageAfter(newLength);
    Area area = areaOf(first);
    if (area == null || area.end() < first + before) {
      return Errno.EFAULT;
    }
    if (after <= before) {
      unmapPages(first + after, first + before);
      return address;
    }
    boolean room = first + after <= page(HIGHEST) && isFree(first + before, first + after);
    if (room && area.end() == first + before) {
      Area more = area.part(area.end(), first + after);
      return mapNew(more) ? address : Errno.ENOMEM;
    }
    long gap = mayMove ? highestGap(after) : -1;
    Area moved =
        new Area(
            gap, gap + after, area.rights(), area.file(), area.fileIndex(first), area.shared());
    if (gap < 0 || !mapNew(moved)) {
      return Errno.ENOMEM;
    }
    hide(first, first + before);
    SortedMap<Long, Integer> old = pages.subMap(first, first + before);
    // Not shown there yet, so not to be written there either.
    TreeMap<Long, Integer> there = new TreeMap<>();
    old.forEach((page, entry) -> there.put(page - first + gap, entry & ~1));
    old.clear();
    pages.putAll(there);
    unmapPages(first, first + before);
    return gap * PAGE;
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
    for (long at = from; at < to; ) {
      Area area = areaOf(at);
      if (area == null) {
        return Errno.ENOMEM;
      }
      at = area.end();
    }
    if (rights != 0 && accessible() + closed(from, to) > memory.limit()) {
      return Errno.ENOMEM;
    }
    for (Area each : cut(from, to)) {
      areas.put(each.first(), each.withRights(rights));
    }
    // What is shown goes; the next touch shows it with its new rights.
    hide(from, to);
    for (Map.Entry<Long, Integer> each : pages.subMap(from, to).entrySet()) {
      each.setValue(each.getValue() & ~1);
    }
    return 0;
  }

  /** Gives all memory back: the process has ended, or runs another program. */
  void release() {
    regions.keySet().forEach(region -> space.removeRegion(region << REGION_SHIFT));
    regions.clear();
    pages.values().forEach(entry -> memory.disown(entry >> 1));
    pages.clear();
    areas.clear();
  }

  /** Maps an area over whatever is there; says whether memory allows it. */
  private boolean mapNew(Area area) {
    long all = 0;
    for (Area each : areas.values()) {
      all += each.pages();
    }
    if ((area.rights() != 0 && accessible() + area.pages() > memory.limit())
        || all + area.pages() > 5L * memory.limit()
        || areas.size() >= MOST_AREAS) {
      return false;
    }
    unmapPages(area.first(), area.end());
    add(area);
    return true;
  }

  private long accessible() {
    long sum = 0;
    for (Area each : areas.values()) {
      sum += each.rights() == 0 ? 0 : each.pages();
    }
    return sum;
  }

  private long closed(long from, long to) {
    long sum = 0;
    for (Area each : within(from, to).values()) {
      sum += each.rights() != 0 ? 0 : Math.min(to, each.end()) - Math.max(from, each.first());
    }
    return sum;
  }

  private void add(Area area) {
    for (long region = area.first() >> REGION_SHIFT;
        region <= (area.end() - 1) >> REGION_SHIFT;
        region++) {
      if (regions.put(region, true) == null) {
        space.region(region << REGION_SHIFT, 1L << REGION_SHIFT, ALL);
      }
    }
    Map.Entry<Long, Area> before = areas.floorEntry(area.first());
    if (before != null && before.getValue().joins(area)) {
      areas.put(
          before.getKey(),
          new Area(before.getKey(), area.end(), area.rights(), null, 0, area.shared()));
    } else {
      areas.put(area.first(), area);
    }
  }

  private void unmapPages(long from, long to) {
    List<Area> gone = cut(from, to);
    if (gone.isEmpty()) {
      return;
    }
    gone.forEach(each -> areas.remove(each.first()));
    SortedMap<Long, Integer> lost = pages.subMap(from, to);
    if (!lost.isEmpty()) {
      hide(from, to);
      lost.values().forEach(entry -> memory.disown(entry >> 1));
      lost.clear();
    }
  }

  /** Takes pages out of the core space, as far as it has regions there. */
  private void hide(long from, long to) {
    for (long region :
        regions.subMap(from >> REGION_SHIFT, ((to - 1) >> REGION_SHIFT) + 1).keySet()) {
      long first = Math.max(from, region << REGION_SHIFT);
      long end = Math.min(to, (region + 1) << REGION_SHIFT);
      if (first < end) {
        space.unmap(first, end - first);
      }
    }
  }

  /** Cuts areas so that none crosses either end; answers those between. */
  private List<Area> cut(long from, long to) {
    for (long at : new long[] {from, to}) {
      Area across = areaOf(at);
      if (across != null && across.first() < at) {
        areas.put(across.first(), across.part(across.first(), at));
        areas.put(at, across.part(at, across.end()));
      }
    }
    return from < to ? new ArrayList<>(areas.subMap(from, to).values()) : List.of();
  }

  private SortedMap<Long, Area> within(long from, long to) {
    Area first = areaOf(from);
    long start = first == null ? from : first.first();
    return start < to ? areas.subMap(start, to) : areas.subMap(to, to);
  }

  private @Nullable Area areaOf(long page) {
    Map.Entry<Long, Area> entry = areas.floorEntry(page);
    return entry != null && page < entry.getValue().end() ? entry.getValue() : null;
  }

  private boolean isFree(long from, long to) {
    return within(from, to).isEmpty();
  }

  /** The first page of the highest gap below the code for signals that is large enough, or -1. */
  private long highestGap(long count) {
    long end = page(TRAMPOLINE);
    for (Area area : areas.headMap(end, false).descendingMap().values()) {
      if (end - area.end() >= count) {
        return end - count;
      }
      end = Math.min(end, area.first());
    }
    return end - page(LOWEST) >= count ? end - count : -1;
  }

  /**
   * The books, for a successor; the memory itself stays where it is.
   *
   * @param numbers the number of each file
   */
  State save(ToIntFunction<Node> numbers) {
    long[] list = new long[6 * areas.size()];
    int at = 0;
    for (Area each : areas.values()) {
      list[at++] = each.first();
      list[at++] = each.end();
      list[at++] = each.rights();
      list[at++] = each.file() == null ? -1 : numbers.applyAsInt(each.file());
      list[at++] = each.filePage();
      list[at++] = each.shared() ? 1 : 0;
    }
    long[] table = new long[2 * pages.size()];
    at = 0;
    for (Map.Entry<Long, Integer> each : pages.entrySet()) {
      table[at++] = each.getKey();
      table[at++] = each.getValue();
    }
    return State.of("space", 1)
        .with("heapStart", heapStart)
        .with("heapBreak", heapBreak)
        .with("regions", regions.keySet().stream().mapToLong(Long::longValue).toArray())
        .with("areas", list)
        .with("pages", table);
  }

  /** Takes a predecessor's books over; {@code files} has the file of each number. */
  void restore(State saved, LongFunction<@Nullable RegularFile> files) {
    saved.expect("space", 1);
    heapStart = saved.number("heapStart", 0, HIGHEST);
    heapBreak = saved.number("heapBreak", heapStart, HIGHEST);
    for (long each : saved.numbers("regions")) {
      regions.put(each, true);
    }
    long[] list = saved.numbers("areas");
    if (list.length % 6 != 0) {
      throw new State.Refused("space.areas has " + list.length + " numbers");
    }
    for (int i = 0; i < list.length; i += 6) {
      long first = list[i];
      long end = list[i + 1];
      if (first < page(LOWEST) || end <= first || end > page(HIGHEST) || !isFree(first, end)) {
        throw new State.Refused("space.areas: pages " + first + " to " + end + " cannot be one");
      }
      areas.put(
          first,
          new Area(
              first,
              end,
              (int) list[i + 2] & ALL,
              files.apply(list[i + 3]),
              list[i + 4],
              list[i + 5] != 0));
    }
    long[] table = saved.numbers("pages");
    for (int i = 0; i + 1 < table.length; i += 2) {
      if (areaOf(table[i]) == null || !memory.has(table[i + 1] >> 1)) {
        throw new State.Refused("space.pages: page " + table[i] + " is in no area or memory");
      }
      pages.put(table[i], (int) table[i + 1]);
    }
  }

  static long page(long address) {
    return address >> Memory.PAGE_SHIFT;
  }

  /** The first page that begins at or behind {@code address}. */
  static long pageAfter(long address) {
    return (address + PAGE - 1) >> Memory.PAGE_SHIFT;
  }
}
