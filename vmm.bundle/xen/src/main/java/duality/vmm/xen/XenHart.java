package duality.vmm.xen;

import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import duality.vmm.board.Parts;
import duality.vmm.board.VirtualHart;
import duality.vmm.xen.Tally.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A hart whose guest knows what runs it: a thread in user mode with two rings. Calls of the inner
 * ring are {@link Hypercalls}; everything else that leaves the engine is handed to the guest's
 * handlers there, unless it is a page that its tables have and the core space has not yet.
 */
final class XenHart implements VirtualHart {
  // Registers of a hart with rings, see KernelThread.csr:
  static final int UTVEC = 0x005;
  static final int SEGMENT = 0x800;
  static final int SEGMENT_END = 0x801;
  static final int STIMECMP = 0x14d;
  private static final int UCAUSE = 0x042;
  private static final int UTVAL = 0x043;

  private static final long EVENT_LINES = Lines.SEIP | Lines.STIP;
  private static final int INNER = 1;
  private static final long FLOATS_ON = 3L << 13;
  private static final long COUNTERS = 7;

  private static final int CALL_FROM_PROGRAM = 8;
  private static final int CALL_FROM_KERNEL = 9;
  private static final int FETCH_PAGE_FAULT = 12;
  private static final int LOAD_PAGE_FAULT = 13;
  private static final int STORE_PAGE_FAULT = 15;

  /** Cause of an event in ucause: that of an external interrupt. */
  private static final long EVENT = 1L << 63 | 9;

  /** First word of what the guest is told at its start: "xen" and a version. */
  private static final long MAGIC = 0x1_006e6578L;

  private static final long NANOS_PER_TICK = 1_000_000_000L / Hart.TIMEBASE_HZ;

  private final Parts parts;
  private final KernelThread thread;
  private final Notification lines;
  private final Domain domain;
  private final Tally tally = new Tally();
  private final Hypercalls hypercalls;

  /** Host clock value at which guest time is zero. */
  private volatile long zeroNanos;

  // The exception before this one: the same one twice without an instruction between never ends.
  private long lastPc;
  private long lastCause;
  private long lastInstructions = -1;

  private Kind kind = Kind.EXCEPTION;

  XenHart(Parts parts) {
    this.parts = parts;
    thread = parts.thread();
    lines = thread.lines();
    if (parts.memory().bytes() > Domain.MOST_BYTES) {
      throw new duality.kernel.CallFailed.BadRequest(
          "machine setting 'memory' is more than this monitor keeps count of, which is 4G");
    }
    domain = new Domain(parts);
    hypercalls = new Hypercalls(domain, parts, tally);
  }

  /** What is known of the guest, for tests. */
  Domain domain() {
    return domain;
  }

  /** The thread that is it, for tests. */
  KernelThread thread() {
    return thread;
  }

  // ---- the whole hart ----

  @Override
  public void boot(HartState first, long tree) {
    long zero = first.timeOffsetNanos();
    Space memory = parts.memory().space();
    thread.enter(HartMode.USER, memory);
    long shared = (tree >>> Memory.PAGE_SHIFT) + 1;
    domain.reset(shared);
    parts.memory().write(tree, startInfo(shared, zero));
    zeroNanos = zero;
    lastInstructions = -1;
    lines.clear(Lines.SEIP);
    long[] x = new long[32];
    x[11] = tree; // a1
    Map<String, Long> csrs = new HashMap<>();
    csrs.put("sstatus", FLOATS_ON);
    csrs.put("sie", EVENT_LINES);
    csrs.put("scounteren", COUNTERS);
    csrs.put("segment", domain.segment);
    csrs.put("segmentend", domain.segmentEnd);
    csrs.put("ring", (long) INNER);
    thread.restore(
        new HartState(HartMode.USER, false, first.pc(), 0, false, x, new long[32], csrs, zero));
  }

  /** What the guest is told: in words of 64 bits. */
  private byte[] startInfo(long shared, long zero) {
    long wall = System.currentTimeMillis() * 1_000_000 - (System.nanoTime() - zero);
    return ByteBuffer.allocate(64)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(MAGIC)
        .putLong(parts.memory().firstPage() << Memory.PAGE_SHIFT)
        .putLong(parts.memory().bytes())
        .putLong(Hart.TIMEBASE_HZ)
        .putLong(shared << Memory.PAGE_SHIFT)
        .putLong(wall)
        .putLong(domain.drivers.size())
        .array();
  }

  @Override
  public HartState save() {
    HartState there = thread.save();
    return new HartState(
        HartMode.FULL,
        false,
        there.pc(),
        INNER,
        there.waiting(),
        there.x(),
        there.f(),
        there.csrs(),
        there.timeOffsetNanos());
  }

  @Override
  public void restore(HartState state) {
    zeroNanos = state.timeOffsetNanos();
    thread.restore(
        new HartState(
            HartMode.USER,
            false,
            state.pc(),
            0,
            state.waiting(),
            state.x(),
            state.f(),
            state.csrs(),
            state.timeOffsetNanos()));
    lastInstructions = -1;
  }

  /**
   * All of the hart is in its thread, which a predecessor of the same kind left as it has to be.
   */
  @Override
  public void adopt(HartState state, HartMode mode) {
    zeroNanos = thread.save().timeOffsetNanos();
  }

  @Override
  public HartState kept() {
    return new HartState(
        HartMode.FULL, false, 0, INNER, false, new long[32], new long[32], Map.of(), zeroNanos);
  }

  @Override
  public State guest() {
    return domain.save();
  }

  @Override
  public void guest(State saved) {
    domain.restore(saved);
  }

  @Override
  public void timer(long time) {
    thread.csr(STIMECMP, time);
  }

  @Override
  public void fence(boolean code) {
    // What is taken from a table is unmapped at once.
  }

  @Override
  public String overhead() {
    return tally.toString();
  }

  // ---- exits ----

  @Override
  public int trap(int cause, long value) {
    long start = System.nanoTime();
    kind = Kind.EXCEPTION;
    int answer =
        switch (cause) {
          case TrapHandler.INTERRUPT -> events();
          case CALL_FROM_KERNEL -> hypercall();
          case CALL_FROM_PROGRAM -> {
            kind = Kind.CALL;
            yield deliver(cause, 0);
          }
          case FETCH_PAGE_FAULT -> fault(cause, value, Memory.EXECUTE);
          case LOAD_PAGE_FAULT -> fault(cause, value, Memory.READ);
          case STORE_PAGE_FAULT -> fault(cause, value, Memory.WRITE);
          // A program left its segment: for its kernel, a page that it does not have.
          case 1 -> refuse(FETCH_PAGE_FAULT, value);
          case 5 -> refuse(LOAD_PAGE_FAULT, value);
          case 7 -> refuse(STORE_PAGE_FAULT, value);
          default -> deliver(cause, value);
        };
    tally.count(kind, System.nanoTime() - start);
    return answer;
  }

  private int hypercall() {
    kind = Hypercalls.aboutTables(thread.x(17)) ? Kind.TABLES : Kind.HYPERCALL;
    int answer = hypercalls.serve();
    if (answer == TrapHandler.WAIT) {
      kind = Kind.WAIT;
    }
    if (hypercalls.moved()) {
      place();
    }
    return answer;
  }

  /** Has the thread go on in the core space of the root in use. */
  void place() {
    thread.enter(HartMode.USER, domain.tables.space());
  }

  private int fault(int cause, long address, int access) {
    int refused =
        domain.tables.current() == null ? Refusal.FAULT : domain.tables.fill(address, access);
    if (refused == Refusal.OK) {
      kind = Kind.FILL;
      return TrapHandler.RESUME;
    }
    return refuse(cause, address);
  }

  private int refuse(int cause, long address) {
    kind = Kind.PAGE_FAULT;
    return deliver(cause, address);
  }

  /** Hands an exception to the guest's kernel. */
  private int deliver(int cause, long value) {
    long pc = thread.pc();
    long instructions = thread.instructions();
    long handler = Integer.compareUnsigned(cause, Domain.CAUSES) < 0 ? domain.handlers[cause] : 0;
    boolean again = instructions == lastInstructions && pc == lastPc && cause == lastCause;
    if (handler == 0 || again) {
      parts
          .machine()
          .halt(
              (handler == 0 ? "guest without a handler" : "hart stopped")
                  + " for cause "
                  + cause
                  + " (value 0x"
                  + Long.toHexString(value)
                  + ") at pc 0x"
                  + Long.toHexString(pc));
      return TrapHandler.SUSPEND;
    }
    enter(cause, value, handler);
    lastInstructions = instructions;
    lastPc = pc;
    lastCause = cause;
    return TrapHandler.RESUME;
  }

  /** The hart goes on at a handler in the inner ring, and knows where it came from. */
  private void enter(long cause, long value, long handler) {
    thread.csr(UTVAL, value);
    thread.csr(UCAUSE, cause);
    thread.pc(handler);
  }

  /** Back halves have called, or the timer is due. */
  private int events() {
    kind = Kind.EVENT;
    // In this order: who calls meanwhile raises the line again.
    lines.clear(Lines.SEIP);
    long ports = domain.ports.taken();
    if (domain.timer != -1 && Long.compareUnsigned(now(), domain.timer) >= 0) {
      domain.timer = -1;
      thread.csr(STIMECMP, -1);
      ports |= domain.ports.timerPort();
    }
    if (ports != 0 && domain.ports.raise(ports) && domain.eventHandler != 0) {
      enter(EVENT, 0, domain.eventHandler);
    }
    return TrapHandler.RESUME;
  }

  private long now() {
    return (System.nanoTime() - zeroNanos) / NANOS_PER_TICK;
  }

  /** What page holds, for tests. */
  @Nullable Table root() {
    return domain.tables.current();
  }
}
