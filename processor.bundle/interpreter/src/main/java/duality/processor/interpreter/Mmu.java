package duality.processor.interpreter;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Memory;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The slow path of memory: what the loop's look into the {@link Tlb} does not find. Walks page
 * tables (RISC-V Priv. §4.3.2; Sv39, Sv48, Sv57, Svnapot, Svpbmt; A and D set by hardware unless
 * menvcfg.ADUE is clear), splits misaligned accesses, raises faults and leaves for MMIO.
 *
 * <p>A method that fails says so in {@link Context#pending}; its answer then has no meaning.
 */
final class Mmu {
  private static final int FETCH_FAULT = 1;
  private static final int LOAD_FAULT = 5;
  private static final int STORE_FAULT = 7;
  private static final int FETCH_PAGE_FAULT = 12;
  private static final int LOAD_PAGE_FAULT = 13;
  private static final int STORE_PAGE_FAULT = 15;

  private static final int V = 1;
  private static final int R = 2;
  private static final int W = 4;
  private static final int X = 8;
  private static final int USER_PAGE = 16;
  private static final int A = 64;
  private static final int D = 128;
  private static final long RESERVED = 0x1fc0000000000000L;
  private static final long NAPOT = 1L << 63;
  private static final long MEMORY_TYPE = 3L << 61;
  private static final long FAILED = -1;

  /** What Zicbom and Zicboz take for a cache block. */
  private static final int BLOCK_BYTES = 64;

  /** A TLB has about 50 KiB. */
  private static final int MOST_KNOWN = 256;

  static final long SUM = 1L << 18;
  static final long MXR = 1L << 19;
  private static final long MPRV = 1L << 17;

  private final Context c;
  Tlb tlb = new Tlb();
  final CodeCache codeCache = new CodeCache();

  /** How data accesses are translated now: an index of {@link Tlb#table}. */
  int way;

  /** How fetches are translated now. */
  int codeWay;

  /** {@code tlb.table(way)}. */
  long[] table = tlb.table(0);

  /** {@code tlb.codeTags(codeWay)} and {@code tlb.codePages(codeWay)}. */
  long[] codeTags = tlb.codeTags(0);

  @Nullable CodePage[] codePages = tlb.codePages(0);

  /** Whether each instruction of the page that was fetched last has to be looked up by itself. */
  boolean singly;

  // Guest-physical pages of page tables: page number plus one, host address.
  private final long[] walkPages = new long[256];
  private final long[] walkHosts = new long[256];

  // A hart in user mode may go to and fro between spaces: it keeps what it knew of them.
  private final Map<Memory, Tlb> known = new IdentityHashMap<>();

  Mmu(Context c) {
    this.c = c;
    tlb.epoch = c.memory.epoch();
    known.put(c.memory, tlb);
  }

  /** To be called when {@link Context#memory} may have changed, before anything is executed. */
  void enter() {
    int now = c.memory.epoch();
    if (now != tlb.epoch) {
      tlb.epoch = now;
      forget();
    }
  }

  /** Goes on in another space. */
  void use(Memory memory) {
    c.memory = memory;
    Tlb there = known.get(memory);
    if (there == null) {
      if (known.size() >= MOST_KNOWN) {
        known.clear();
      }
      there = new Tlb();
      there.epoch = memory.epoch();
      known.put(memory, there);
    }
    tlb = there;
    if (!c.user) {
      Arrays.fill(walkPages, 0);
    }
    select();
  }

  /**
   * To be called when privilege, satp's mode, or mstatus' MPRV, MPP, SUM or MXR may have changed.
   */
  void select() {
    boolean bare = c.user || c.satp >>> 60 == 0;
    int as = dataPrivilege();
    if (c.user) {
      way = c.rings.outer() ? Tlb.BARE_BELOW : Tlb.BARE;
    } else if (as == Context.M) {
      way = Tlb.BARE;
    } else if (bare) {
      way = Tlb.BARE_BELOW;
    } else {
      way =
          (as == Context.U
                  ? Tlb.USER
                  : (c.mstatus & SUM) != 0 ? Tlb.SUPERVISOR_SUM : Tlb.SUPERVISOR)
              + ((c.mstatus & MXR) != 0 ? Tlb.MXR : 0);
    }
    if (c.user) {
      codeWay = c.rings.outer() ? Tlb.CODE_BARE_BELOW : Tlb.BARE;
    } else if (c.privilege == Context.M) {
      codeWay = Tlb.BARE;
    } else if (bare) {
      codeWay = Tlb.CODE_BARE_BELOW;
    } else {
      codeWay = c.privilege == Context.U ? Tlb.USER : Tlb.SUPERVISOR;
    }
    table = tlb.table(way);
    codeTags = tlb.codeTags(codeWay);
    codePages = tlb.codePages(codeWay);
  }

  private int dataPrivilege() {
    return c.privilege == Context.M && (c.mstatus & MPRV) != 0
        ? (int) (c.mstatus >>> 11) & 3
        : c.privilege;
  }

  /** Forgets what it knew of all spaces: pages may have got triggers, or lost them. */
  void forgetAll() {
    known.values().forEach(Tlb::flush);
  }

  /**
   * Forgets everything that came from {@link Memory}, and looks again at code before running it.
   */
  void forget() {
    forgetTranslations();
    codeCache.stamp++;
    c.reservedHost = 0; // the frame may be another page's by now
  }

  /** Forgets where addresses lead, but not what lies there. */
  void forgetTranslations() {
    tlb.flush();
    Arrays.fill(walkPages, 0);
  }

  /**
   * Compares each page of code with memory before it is entered again. After {@code sfence.vma} of
   * all addresses of all spaces that is more than RISC-V promises: kernels that have only run on
   * emulators, MIT's xv6 among them, put new programs into old pages and know no {@code fence.i}.
   * Translations are gone by then, so a page is not entered without a look into the cache.
   */
  void compareCode() {
    codeCache.stamp++;
  }

  /** {@code fence.i}. */
  void fenceCode() {
    known.values().forEach(Tlb::flushCode);
    codeCache.stamp++;
  }

  /** Loads 1, 2, 4 or 8 bytes, zero-extended, at any alignment. */
  long load(long va, int width) {
    int inPage = 4096 - ((int) va & 4095);
    if (width <= inPage) {
      long host = host(va, Memory.READ, width, width, 0);
      return c.pending == Context.NONE ? Host.load(host, width) : 0;
    }
    long low = host(va, Memory.READ, inPage, 0, 0);
    long high =
        c.pending == Context.NONE ? host(va + inPage, Memory.READ, width - inPage, 0, 0) : 0;
    if (c.pending != Context.NONE) {
      return 0;
    }
    long value = 0;
    for (int b = width - 1; b >= 0; b--) {
      value = value << 8 | Host.load(b < inPage ? low + b : high + b - inPage, 1);
    }
    return value;
  }

  /** Stores the low 1, 2, 4 or 8 bytes at any alignment: all of them or none. */
  void store(long va, int width, long value) {
    int inPage = 4096 - ((int) va & 4095);
    if (width <= inPage) {
      long host = host(va, Memory.WRITE, width, width, value);
      if (c.pending == Context.NONE) {
        Host.store(host, width, value);
      }
      return;
    }
    long low = host(va, Memory.WRITE, inPage, 0, 0);
    long high =
        c.pending == Context.NONE ? host(va + inPage, Memory.WRITE, width - inPage, 0, 0) : 0;
    if (c.pending != Context.NONE) {
      return;
    }
    for (int b = 0; b < width; b++) {
      Host.store(b < inPage ? low + b : high + b - inPage, 1, value >>> 8 * b);
    }
  }

  /** The host address for an atomic operation of {@code width} bytes. */
  long atomic(long va, int width, boolean store) {
    if ((va & width - 1) != 0) {
      c.trap(store ? 6 : 4, va);
      return 0;
    }
    return host(va, store ? Memory.WRITE : Memory.READ, width, 0, 0);
  }

  /**
   * Cleans, flushes or invalidates a block, which comes to no more than the checks: whoever may
   * load or store there may do that, and a fault is that of a store (RISC-V Unpriv. "CMO").
   */
  void checkBlock(long va) {
    host(va, Memory.READ, 1, 0, 0);
    if (c.pending != Context.NONE) {
      // Also when somebody else decides what becomes of it: the trap is that of a store, too.
      c.trapCause =
          c.trapCause == LOAD_FAULT
              ? STORE_FAULT
              : c.trapCause == LOAD_PAGE_FAULT ? STORE_PAGE_FAULT : c.trapCause;
    }
  }

  /** Zeroes the block in which {@code va} lies. */
  void zeroBlock(long va) {
    long block = va & -(long) BLOCK_BYTES;
    long host = host(block, Memory.WRITE, BLOCK_BYTES, 0, 0);
    if (c.pending != Context.NONE && c.trapValue == block) {
      c.trapValue = va; // what the instruction named
    }
    if (c.pending == Context.NONE) {
      for (int at = 0; at < BLOCK_BYTES; at += 8) {
        Host.store(host + at, 8, 0);
      }
    }
  }

  /**
   * The host address of {@code va}.
   *
   * @param bytes of the access, all in one page
   * @param width of the access that may leave for MMIO, 0 for one that must not
   */
  private long host(long va, int access, int bytes, int width, long value) {
    boolean store = access == Memory.WRITE;
    int at = (int) (va >>> 10) & Tlb.MASK;
    if (table[at + (store ? 1 : 0)] == (va & -4096 | tlb.stamp)) {
      return va + table[at + 2];
    }
    if (c.triggers.data && c.triggers.touched(va, Math.max(width, 1), access)) {
      c.leave(Exit.EXCEPTION, va, access, width, 0);
      c.trapCause = Exit.WATCHPOINT;
      return 0;
    }
    long pa = (way & 3) == Tlb.BARE ? va : walk(va, access, way);
    if (c.pending != Context.NONE) {
      return 0;
    }
    int allowed = protection(pa, access, dataPrivilege());
    if (allowed != Pmp.ALLOWED && forbidden(pa, bytes, access, dataPrivilege())) {
      c.trap(accessFault(access), va);
      return 0;
    }
    long page = c.memory.translate(pa >>> 12, access);
    if (page == Memory.OUTSIDE && !c.user && width != 0 && (pa & width - 1) == 0) {
      long mask = width == 8 ? -1 : (1L << 8 * width) - 1;
      c.leave(store ? Exit.MMIO_STORE : Exit.MMIO_LOAD, pa, access, width, value & mask);
      c.trapCause = accessFault(access);
      c.trapValue = va;
      return 0;
    }
    if (refused(page, va, pa, access, access)) {
      return 0;
    }
    if (allowed == Pmp.ALLOWED && !(c.triggers.data && c.triggers.dataInPage(va))) {
      tlb.enter(way, va, page, store);
    }
    return page | va & 4095;
  }

  /** What physical memory protection, or the ring, says of the page in which {@code pa} lies. */
  private int protection(long pa, int access, int privilege) {
    if (c.user) {
      return c.rings.forbids(pa) ? Pmp.FORBIDDEN : Pmp.ALLOWED;
    }
    return c.firmware ? c.pmp.page(pa >>> 12, access, privilege) : Pmp.ALLOWED;
  }

  /** Whether physical memory protection, or the ring, keeps these bytes from being accessed. */
  private boolean forbidden(long pa, int bytes, int access, int privilege) {
    return c.user ? c.rings.forbids(pa) : c.firmware && !c.pmp.allows(pa, bytes, access, privilege);
  }

  /** Raises what belongs to MISSING and OUTSIDE. */
  private boolean refused(long page, long va, long pa, int access, int cause) {
    if (page == Memory.MISSING) {
      c.leave(Exit.FAULT, pa, access, 0, 0);
      // For Hart.refuse: the access fault that it turns this into is the instruction's, not the
      // walk's.
      c.trapCause = accessFault(cause);
      c.trapValue = va;
      return true;
    }
    if (page == Memory.OUTSIDE) {
      c.trap(c.user ? pageFault(cause) : accessFault(cause), va);
      return true;
    }
    return false;
  }

  static int accessFault(int access) {
    return access == Memory.READ ? LOAD_FAULT : access == Memory.WRITE ? STORE_FAULT : FETCH_FAULT;
  }

  private static int pageFault(int access) {
    return access == Memory.READ
        ? LOAD_PAGE_FAULT
        : access == Memory.WRITE ? STORE_PAGE_FAULT : FETCH_PAGE_FAULT;
  }

  /** Finds the guest-physical address of {@code va}. */
  private long walk(long va, int access, int how) {
    long table = (c.satp & 0xfffffffffffL) << 12;
    int levels = levels(c.satp);
    int unused = 52 - 9 * levels;
    if (va << unused >> unused != va) {
      return fault(va, access);
    }
    for (int level = levels - 1; level >= 0; level--) {
      int shift = 12 + 9 * level;
      long address = table + ((va >>> shift & 0x1ff) << 3);
      long host = entryHost(address, va, access);
      if (host == FAILED) {
        return 0;
      }
      long entry = (long) Host.ATOMIC_LONG.getAcquire(Host.ALL, host);
      int flags = (int) entry & 0xff;
      if ((flags & V) == 0 || (flags & (R | W)) == W || (entry & RESERVED) != 0) {
        return fault(va, access);
      }
      long base = (entry >>> 10 & 0xfffffffffffL) << 12;
      if ((flags & (R | X)) == 0) {
        if ((flags & (USER_PAGE | A | D)) != 0 || (entry & (NAPOT | MEMORY_TYPE)) != 0) {
          return fault(va, access);
        }
        table = base;
        continue;
      }
      long inside = (1L << shift) - 1;
      if (!allowed(flags, access, how) || (base & inside) != 0 || !typed(entry)) {
        return fault(va, access);
      }
      if ((entry & NAPOT) != 0) {
        // 64 KiB in a row: the only size there is (Svnapot).
        if (level != 0 || (base >>> 12 & 15) != 8) {
          return fault(va, access);
        }
        base = base & -1L << 16 | va & 0xf000;
        tlb.noteSuperpage(va, 1);
      }
      int wanted = A | (access == Memory.WRITE ? D : 0);
      if ((flags & wanted) != wanted && !mark(address, entry, wanted, va, access)) {
        if (c.pending != Context.NONE) {
          return 0;
        }
        level++; // somebody else changed the entry: read it again
        continue;
      }
      if (level > 0) {
        tlb.noteSuperpage(va, level);
      }
      return base | va & inside;
    }
    return fault(va, access);
  }

  /** Levels of tables for a value of satp; 0 when there is no such mode. */
  static int levels(long satp) {
    int mode = (int) (satp >>> 60);
    return mode >= 8 && mode <= 10 ? mode - 5 : 0;
  }

  /** Whether a leaf's memory type is one; all are alike here (Svpbmt). */
  private boolean typed(long entry) {
    long type = entry & MEMORY_TYPE;
    return type == 0 || type != MEMORY_TYPE && c.enabled(Context.PBMTE);
  }

  private static boolean allowed(int flags, int access, int how) {
    boolean userPage = (flags & USER_PAGE) != 0;
    boolean asUser = (how & 3) == Tlb.USER;
    if (asUser
        ? !userPage
        : userPage && (access == Memory.EXECUTE || (how & 3) != Tlb.SUPERVISOR_SUM)) {
      return false;
    }
    return switch (access) {
      case Memory.READ -> (flags & R) != 0 || (how & Tlb.MXR) != 0 && (flags & X) != 0;
      case Memory.WRITE -> (flags & W) != 0;
      default -> (flags & X) != 0;
    };
  }

  private boolean mark(long address, long entry, int bits, long va, int access) {
    if (!c.enabled(Context.ADUE)) {
      c.trap(pageFault(access), va);
      return false;
    }
    if (forbidden(address, 8, Memory.WRITE, Context.S)) {
      c.trap(accessFault(access), va);
      return false;
    }
    long page = c.memory.translate(address >>> 12, Memory.WRITE);
    if (refused(page, va, address, Memory.WRITE, access)) {
      return false;
    }
    return Host.ATOMIC_LONG.compareAndSet(Host.ALL, page | address & 4095, entry, entry | bits);
  }

  private long entryHost(long address, long va, int access) {
    long number = address >>> 12;
    int at = (int) number & 255;
    if (walkPages[at] == number + 1) {
      return walkHosts[at] | address & 4095;
    }
    int allowed = protection(address, Memory.READ, Context.S);
    if (allowed != Pmp.ALLOWED && forbidden(address, 8, Memory.READ, Context.S)) {
      c.trap(accessFault(access), va);
      return FAILED;
    }
    long page = c.memory.translate(number, Memory.READ);
    if (refused(page, va, address, Memory.READ, access)) {
      return FAILED;
    }
    if (allowed == Pmp.ALLOWED) {
      walkPages[at] = number + 1;
      walkHosts[at] = page;
    }
    return page | address & 4095;
  }

  private long fault(long va, int access) {
    c.trap(pageFault(access), va);
    return 0;
  }

  /** The decoded page for the instruction at {@code pc}; null when it cannot be fetched. */
  @Nullable CodePage fetch(long pc) {
    return fetch(pc, false);
  }

  /**
   * The same, or for the second half of an instruction only. A page in which physical memory
   * protection lets one instruction be fetched and another one not makes {@link #singly} true.
   */
  private @Nullable CodePage fetch(long pc, boolean half) {
    singly = false;
    int at = Tlb.codeIndex(pc);
    if (codeTags[at] == (pc & -4096 | tlb.codeStamp)) {
      return codePages[at];
    }
    boolean bare = codeWay == Tlb.BARE || codeWay == Tlb.CODE_BARE_BELOW;
    long pa = bare ? pc : walk(pc, Memory.EXECUTE, codeWay);
    if (c.pending != Context.NONE) {
      return null;
    }
    int allowed = protection(pa, Memory.EXECUTE, c.privilege);
    if (allowed != Pmp.ALLOWED && forbidden(pa, 2, Memory.EXECUTE, c.privilege)) {
      c.trap(FETCH_FAULT, pc);
      return null;
    }
    long host = c.memory.translate(pa >>> 12, Memory.EXECUTE);
    if (refused(host, pc, pa, Memory.EXECUTE, Memory.EXECUTE)) {
      return null;
    }
    if (known.size() > 1) {
      // The frame may have been another space's, whose epoch nobody compared since: look at it
      // again.
      codeCache.stamp++;
    }
    CodePage page = codeCache.page(host);
    if (allowed == Pmp.ALLOWED) {
      if (!c.triggers.inPage(pc)) {
        tlb.enterCode(codeWay, pc, page);
      }
      return page;
    }
    singly = true;
    int offset = (int) pc & 4094;
    boolean more = !half && offset != 4094 && (page.word(offset) & 3) == 3;
    if (more && forbidden(pa + 2, 2, Memory.EXECUTE, c.privilege)) {
      c.trap(FETCH_FAULT, pc + 2);
      return null;
    }
    return page;
  }

  /** Prepares {@code page.crossCode} for the instruction that goes on at {@code next}. */
  boolean cross(CodePage page, long next) {
    CodePage behind = fetch(next, true);
    if (behind == null) {
      return false;
    }
    page.cross(behind.word(0) & 0xffff);
    return true;
  }
}
