package duality.vmm.xen;

import duality.drivers.BackEnd;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import duality.vmm.board.Parts;
import java.util.Arrays;
import java.util.List;

/**
 * All that the monitor knows of its guest: pages, tables, grants, ports, where its handlers are.
 * Only touched by the thread that serves its hart, or while that is at rest.
 */
final class Domain {
  /** Most memory of a guest; the counts of its pages are kept here. */
  static final long MOST_BYTES = 4L << 30;

  /** Exceptions that have a handler of their own, by cause. */
  static final int CAUSES = 16;

  /** Segment of programs until the guest says another one: the upper half of Sv39's lower half. */
  static final long SEGMENT = 0x20_0000_0000L;

  static final long SEGMENT_END = 0x40_0000_0000L;

  final GuestMemory memory;
  final List<Parts.SplitDriver> drivers;
  Pages pages;
  final Roots roots;
  PageTables tables;
  Grants grants;
  GuestCopy copy;
  final EventPorts ports;
  final long[] handlers = new long[CAUSES];
  long eventHandler;
  long gate;
  long segment = SEGMENT;
  long segmentEnd = SEGMENT_END;

  /** When its timer is due, in ticks of guest time; -1 for never. */
  long timer = -1;

  Domain(Parts parts) {
    memory = parts.memory();
    drivers = parts.splitDrivers();
    roots = new Roots(parts.context());
    ports = new EventPorts(memory, drivers, parts.context().notification(BackEnd.PORTS));
    pages = freshPages();
    tables = new PageTables(memory, pages, roots);
    grants = new Grants(memory, pages, tables, drivers);
    copy = new GuestCopy(memory, tables);
  }

  private Pages freshPages() {
    return new Pages(memory.firstPage(), Math.toIntExact(memory.bytes() >>> Memory.PAGE_SHIFT));
  }

  /** A guest that has asked for nothing yet. Its memory is new, and nobody runs in a root. */
  void reset(long sharedPage) {
    roots.reset();
    grants.reset();
    pages = freshPages();
    tables = new PageTables(memory, pages, roots);
    grants = new Grants(memory, pages, tables, drivers);
    copy = new GuestCopy(memory, tables);
    ports.reset(sharedPage);
    if (tables.take(sharedPage, Pages.WRITABLE) != Refusal.OK) {
      throw new IllegalStateException("no page to share with the guest");
    }
    Arrays.fill(handlers, 0);
    eventHandler = 0;
    gate = 0;
    timer = -1;
    segment(SEGMENT, SEGMENT_END);
  }

  void segment(long first, long end) {
    segment = first;
    segmentEnd = end;
    tables.segment(first, end);
  }

  /** Whether an address is one of the guest's kernel. */
  boolean ofKernel(long address) {
    return Table.canonical(address) == address
        && Long.compareUnsigned(address - segment, segmentEnd - segment) >= 0;
  }

  /** Whether an address can be a handler's: none, or one of the kernel. */
  boolean handler(long address) {
    return address == 0 || (address & 1) == 0 && ofKernel(address);
  }

  State save() {
    Table current = tables.current();
    return State.of("xen", 1)
        .with("pinned", pages.allPinned())
        .with("levels", levels())
        .with("given", pages.allGiven())
        .with("root", current == null ? -1 : current.page)
        .with("roots", roots.save())
        .with("grants", grants.save())
        .with("ports", ports.save())
        .with("handlers", handlers)
        .with("eventHandler", eventHandler)
        .with("gate", gate)
        .with("segment", segment)
        .with("segmentEnd", segmentEnd)
        .with("timer", timer);
  }

  private long[] levels() {
    return Arrays.stream(pages.allPinned()).map(page -> pages.type(page) - Pages.TABLE).toArray();
  }

  /** Counts again all that was counted: the guest's tables are as they were. */
  void restore(State saved) {
    saved.expect("xen", 1);
    segment(saved.number("segment"), saved.number("segmentEnd"));
    for (long page : saved.numbers("given")) {
      if (!pages.owned(page)) {
        throw new State.Refused("xen.given has page " + page);
      }
      pages.given(page, true);
    }
    ports.restore(saved.state("ports"));
    need("shared", tables.take(ports.sharedPage(), Pages.WRITABLE));
    long[] pinned = saved.numbers("pinned");
    long[] levels = saved.numbers("levels");
    if (pinned.length != levels.length) {
      throw new State.Refused("xen.levels has " + levels.length + " levels for " + pinned.length);
    }
    for (int i = 0; i < pinned.length; i++) {
      if (levels[i] < 0 || levels[i] > Table.TOP) {
        throw new State.Refused("xen.levels has level " + levels[i]);
      }
      need("pinned", tables.pin(pinned[i], (int) levels[i]));
    }
    long root = saved.number("root");
    if (root != -1) {
      need("root", tables.load(root));
    }
    roots.restore(saved.states("roots"), tables);
    grants.restore(saved.state("grants"));
    long[] all = saved.numbers("handlers");
    if (all.length != CAUSES) {
      throw new State.Refused("xen.handlers has " + all.length + " handlers, not " + CAUSES);
    }
    System.arraycopy(all, 0, handlers, 0, CAUSES);
    eventHandler = saved.number("eventHandler");
    gate = saved.number("gate");
    if (!handler(eventHandler) || !handler(gate) || !Arrays.stream(all).allMatch(this::handler)) {
      throw new State.Refused("xen has a handler that is not in the guest's kernel");
    }
    timer = saved.number("timer");
  }

  private static void need(String what, int refused) {
    if (refused != Refusal.OK) {
      throw new State.Refused("xen." + what + " is not what the guest's memory has: " + refused);
    }
  }
}
