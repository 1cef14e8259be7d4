package duality.vmm.trap;

import static duality.kernel.TrapHandler.RESUME;
import static duality.kernel.TrapHandler.RESUME_BEHIND;
import static duality.kernel.TrapHandler.SUSPEND;
import static duality.kernel.TrapHandler.WAIT;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.TrapHandler;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import duality.vmm.board.Parts;
import duality.vmm.board.VirtualHart;
import duality.vmm.trap.Tally.Kind;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A hart whose kernel runs in user mode: emulates what leaves the engine on the state of the
 * virtual hart, and lets the thread go on in the space that stands for where the virtual hart is.
 *
 * <p>A call of a device or pager that fails is thrown on, and the thread repeats its instruction
 * later: so what may fail comes first, and what was changed before is put back ({@link #before}).
 */
final class TrapHart implements VirtualHart {
  private static final int ILLEGAL = 2;
  private static final int CALL_FROM_U = 8;
  private static final int FETCH_PAGE_FAULT = 12;
  private static final int LOAD_PAGE_FAULT = 13;
  private static final int STORE_PAGE_FAULT = 15;

  // Registers of a hart in user mode, see KernelThread.csr:
  private static final int SSTATUS = 0x100;
  private static final int SIE = 0x104;
  private static final int SCOUNTEREN = 0x106;
  private static final int STIMECMP = 0x14d;
  private static final int SATP = 0x180;

  private static final int SRET = 0x10200073;
  private static final int WFI = 0x10500073;

  private final Parts parts;
  private final KernelThread thread;
  private final Notification lines;
  private final GuestMemory memory;
  private final Privileged hart = new Privileged();

  /** What it was before the instruction that is being emulated. */
  private final Privileged before = new Privileged();

  private final Shadows shadows;
  private final Tally tally = new Tally();

  // What the thread was told last; no space before its first exit:
  private @Nullable Space where;
  private @Nullable GuestSpace space;
  private long mask;
  private long counters = 7;
  private boolean floats;

  // The exception before this one: the same one twice without an instruction between never ends.
  private long lastPc;
  private long lastCause;
  private long lastInstructions = -1;

  /** What the exit that is being served turned out to be. */
  private Kind kind = Kind.EXCEPTION;

  TrapHart(Parts parts) {
    this.parts = parts;
    thread = parts.thread();
    lines = thread.lines();
    memory = parts.memory();
    shadows = new Shadows(parts);
  }

  /** The shadows, for tests. */
  Shadows shadows() {
    return shadows;
  }

  // ---- the whole hart ----

  @Override
  public HartState save() {
    return hart.whole(thread.save());
  }

  @Override
  public void restore(HartState state) {
    // Nothing is to be had there, so the thread leaves at once and is told where to go on: for that
    // the guest's tables may have to be read, which may fail and be repeated.
    Space nowhere = parts.context().space(Parts.NOWHERE);
    thread.enter(HartMode.USER, nowhere);
    shadows.reset();
    hart.load(state);
    where = null;
    space = null;
    mask = 0;
    counters = 7;
    floats = hart.floatDirty();
    Map<String, Long> csrs = new HashMap<>();
    for (String own : new String[] {"fcsr", "mcycle", "minstret"}) {
      csrs.put(own, state.csrs().getOrDefault(own, 0L));
    }
    csrs.put("sstatus", floats ? Privileged.FS : 0);
    csrs.put("stimecmp", hart.stimecmp());
    csrs.put("scounteren", counters);
    thread.restore(
        new HartState(
            HartMode.USER,
            false,
            state.pc(),
            0,
            false,
            state.x(),
            state.f(),
            csrs,
            state.timeOffsetNanos()));
    lastInstructions = -1;
  }

  @Override
  public void adopt(HartState state, HartMode mode) {
    restore(state);
  }

  @Override
  public HartState kept() {
    return hart.whole(
        new HartState(
            HartMode.USER,
            false,
            0,
            0,
            false,
            new long[32],
            new long[32],
            Map.of(),
            hart.timeOffsetNanos()));
  }

  @Override
  public void timer(long time) {
    hart.stimecmp(time);
    thread.csr(STIMECMP, time);
  }

  @Override
  public void fence(boolean code) {
    shadows.fence(null, null, space);
  }

  @Override
  public String overhead() {
    return tally.toString();
  }

  // ---- exits ----

  @Override
  public int trap(int cause, long value) {
    if (where == null) {
      before.copy(hart);
      return settle(thread.pc());
    }
    long start = System.nanoTime();
    kind = Kind.EXCEPTION;
    int answer =
        switch (cause) {
          case TrapHandler.INTERRUPT -> interrupt();
          case CALL_FROM_U -> call();
          case ILLEGAL -> illegal((int) value);
          case FETCH_PAGE_FAULT -> fault(cause, value, Memory.EXECUTE);
          case LOAD_PAGE_FAULT -> fault(cause, value, Memory.READ);
          case STORE_PAGE_FAULT -> fault(cause, value, Memory.WRITE);
          default -> deliver(cause, value);
        };
    tally.count(kind, System.nanoTime() - start);
    return answer;
  }

  private int call() {
    if (hart.privilege == Privileged.U) {
      kind = Kind.CALL;
      return deliver(CALL_FROM_U, 0);
    }
    kind = Kind.FIRMWARE;
    return parts.machine().firmware();
  }

  /** Hands an exception to the guest's kernel. */
  private int deliver(long cause, long value) {
    long pc = thread.pc();
    long instructions = thread.instructions();
    if (instructions == lastInstructions && pc == lastPc && cause == lastCause) {
      parts
          .machine()
          .halt(
              "hart stopped by cause "
                  + cause
                  + " (value 0x"
                  + Long.toHexString(value)
                  + ") at pc 0x"
                  + Long.toHexString(pc));
      return SUSPEND;
    }
    before.copy(hart);
    int answer = settle(hart.enter(cause, value, pc));
    lastInstructions = instructions;
    lastPc = pc;
    lastCause = cause;
    return answer;
  }

  private int interrupt() {
    kind = Kind.INTERRUPT;
    absorbEdge();
    before.copy(hart);
    return settle(thread.pc());
  }

  /** The software interrupt's line is an edge: it becomes a bit of the virtual hart. */
  private void absorbEdge() {
    if ((lines.word() & Lines.SSIP) != 0) {
      lines.clear(Lines.SSIP);
      hart.softwarePending |= Lines.SSIP;
    }
  }

  private long pending() {
    return hart.pending(lines.word(), System.nanoTime());
  }

  private int illegal(int word) {
    if (FloatInstructions.includes(word) && !floats && hart.has(Privileged.FS)) {
      kind = Kind.FLOAT;
      before.copy(hart);
      hart.makeFloatDirty();
      return settle(thread.pc());
    }
    if (hart.privilege == Privileged.U || (word & 0x7f) != 0x73) {
      return deliver(ILLEGAL, word & 0xffffffffL);
    }
    if ((word >>> 12 & 3) != 0) {
      return csr(word);
    }
    if (word == SRET) {
      kind = Kind.RETURN;
      before.copy(hart);
      int answer = settle(hart.leave());
      lastInstructions = -1; // it has been executed, though the engine does not know
      return answer;
    }
    if (word == WFI) {
      return waitForInterrupt();
    }
    if (word >>> 25 == 0x09 && (word >>> 7 & 31) == 0) {
      kind = Kind.FENCE;
      int address = word >>> 15 & 31;
      int asid = word >>> 20 & 31;
      shadows.fence(
          address == 0 ? null : thread.x(address), asid == 0 ? null : thread.x(asid), space);
      return RESUME_BEHIND;
    }
    return deliver(ILLEGAL, word & 0xffffffffL);
  }

  private int waitForInterrupt() {
    kind = Kind.WAIT;
    absorbEdge();
    if ((pending() & hart.enabled()) != 0) {
      return RESUME_BEHIND;
    }
    // What is enabled ends the wait, taken or not; settle() puts it right when that has come.
    mask(hart.enabled());
    return WAIT;
  }

  private int csr(int word) {
    kind = Kind.CSR;
    int csr = word >>> 20;
    int funct3 = word >>> 12 & 7;
    int how = funct3 & 3;
    int source = word >>> 15 & 31;
    int rd = word >>> 7 & 31;
    boolean write = how == 1 || source != 0;
    if (!Privileged.exists(csr)) {
      kind = Kind.EXCEPTION;
      return deliver(ILLEGAL, word & 0xffffffffL);
    }
    if (csr == 0x144) {
      absorbEdge();
    }
    boolean live = csr == 0x144;
    long old = hart.read(csr, live ? lines.word() : 0, live ? System.nanoTime() : 0);
    if (write) {
      long operand = funct3 >= 5 ? source : thread.x(source);
      long value =
          switch (how) {
            case 1 -> operand;
            case 2 -> old | operand;
            default -> old & ~operand;
          };
      before.copy(hart);
      boolean told = write(csr, value);
      if (told && hart.softwarePending == 0) {
        place();
      } else if (told) {
        // An interrupt may be due behind the instruction.
        int answer = settle(thread.pc() + 4);
        lastInstructions = -1;
        result(rd, old);
        return answer;
      }
    }
    result(rd, old);
    return RESUME_BEHIND;
  }

  private void result(int rd, long value) {
    if (rd != 0) {
      thread.x(rd, value);
    }
  }

  /** Writes a register; says whether the thread has to be told something. */
  private boolean write(int csr, long value) {
    if (csr == SATP) {
      kind = Kind.ROOT;
    }
    hart.write(csr, value);
    switch (csr) {
      case STIMECMP -> {
        thread.csr(STIMECMP, hart.stimecmp());
        return false;
      }
      case SSTATUS, SIE, 0x144, SCOUNTEREN, SATP -> {
        return true;
      }
      default -> {
        return false;
      }
    }
  }

  // ---- where the thread is ----

  /**
   * Has the thread go on where the virtual hart is now, after an interrupt that is due.
   *
   * @param next the program counter, if there is no interrupt
   */
  private int settle(long next) {
    long pc = next;
    if ((hart.softwarePending != 0 || kind == Kind.INTERRUPT) && hart.taken() != 0) {
      long due = pending() & hart.taken();
      if (due != 0) {
        int number = Privileged.mostUrgent(due);
        pc = hart.enter(Privileged.INTERRUPT | number, 0, pc);
      }
    }
    place();
    thread.pc(pc);
    return RESUME;
  }

  /** Chooses the space for the thread, and says what it leaves for; or changes nothing at all. */
  private void place() {
    Space next;
    try {
      next = chosen();
    } catch (CallFailed failure) {
      hart.copy(before);
      throw failure;
    }
    if (next != where) {
      thread.enter(HartMode.USER, next);
      where = next;
    }
    mask(hart.taken());
    if (counters != hart.counters()) {
      counters = hart.counters();
      thread.csr(SCOUNTEREN, counters);
    }
    if (floats != hart.floatDirty()) {
      floats = hart.floatDirty();
      thread.csr(SSTATUS, floats ? Privileged.FS : 0);
    }
  }

  private void mask(long interrupts) {
    if (mask != interrupts) {
      mask = interrupts;
      thread.csr(SIE, interrupts);
    }
  }

  /** The space that stands for the guest's address space in the mode that the hart is in. */
  private Space chosen() {
    if (hart.bare()) {
      space = null;
      return memory.space();
    }
    GuestSpace there = space;
    if (there == null || there.satp != hart.satp()) {
      there = shadows.space(hart.satp());
    }
    int way = way();
    Shadow shadow = there.shadow(way);
    if (shadow == null) {
      shadow = shadows.shadow(there, way);
    }
    space = there;
    return shadow.space;
  }

  private int way() {
    int mode =
        hart.privilege == Privileged.U
            ? GuestSpace.USER
            : hart.has(Privileged.SUM) ? GuestSpace.SUPERVISOR_SUM : GuestSpace.SUPERVISOR;
    return hart.has(Privileged.MXR) ? mode | GuestSpace.MXR : mode;
  }

  // ---- memory ----

  private int fault(int cause, long address, int access) {
    GuestSpace there = space;
    long real = address;
    int result;
    if (there == null) {
      result = memory.contains(address) ? GuestSpace.ACCESS_FAULT : GuestSpace.DEVICE;
    } else {
      result = there.reach(way(), address, access);
      real = there.found;
    }
    switch (result) {
      case GuestSpace.DONE -> {
        kind = Kind.FILL;
        return RESUME;
      }
      case GuestSpace.PAGE_FAULT -> {
        kind = Kind.PAGE_FAULT;
        return deliver(cause, address);
      }
      case GuestSpace.DEVICE -> {
        kind = Kind.DEVICE;
        if (access != Memory.EXECUTE && device(address, real)) {
          return RESUME_BEHIND;
        }
      }
      default -> {}
    }
    kind = Kind.EXCEPTION;
    return deliver(accessFault(access), address);
  }

  private static int accessFault(int access) {
    return access == Memory.EXECUTE ? 1 : access == Memory.READ ? 5 : 7;
  }

  /** Does what the instruction at pc wants of a device; says whether there is one. */
  private boolean device(long address, long real) {
    MemoryAccess instruction = MemoryAccess.of(instruction(thread.pc()));
    if (instruction == null
        || (real & instruction.width() - 1) != 0
        || register(instruction.base()) + instruction.offset() != address) {
      return false;
    }
    try {
      if (instruction.store()) {
        long all = instruction.width() == 8 ? -1 : (1L << 8 * instruction.width()) - 1;
        parts.bus().store(real, instruction.width(), register(instruction.value()) & all);
      } else {
        long loaded = instruction.extended(parts.bus().load(real, instruction.width()));
        if (instruction.value() != 0) {
          thread.x(instruction.value(), loaded);
        }
      }
      return true;
    } catch (CallFailed.BadRequest nothingThere) {
      return false;
    }
  }

  private long register(int number) {
    return number == 0 ? 0 : thread.x(number);
  }

  /** The instruction that the hart is at; 0 when it cannot be read any more. */
  private int instruction(long pc) {
    int low = halfword(pc);
    return (low & 3) == 3 ? low | halfword(pc + 2) << 16 : low;
  }

  private int halfword(long address) {
    long real = address;
    GuestSpace there = space;
    if (there != null) {
      if (there.locate(way(), address, Memory.EXECUTE) != GuestSpace.DONE) {
        return 0;
      }
      real = there.found;
    }
    if (!memory.contains(real)) {
      return 0;
    }
    try (Grant grant = memory.grant(real, 2, Memory.READ)) {
      return grant.getShort(0);
    }
  }
}
