package duality.vmm.xen;

import duality.drivers.BackEnd;
import duality.drivers.Finish;
import duality.kernel.CallFailed;
import duality.kernel.KernelThread;
import duality.kernel.TrapHandler;
import duality.vmm.board.Parts;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * What the guest's kernel asks for: number in a7, arguments from a0 on, the result in a0; a
 * negative one is a {@link Refusal}. Everything in registers and memory is hostile.
 */
final class Hypercalls {
  static final int SET_TRAP_TABLE = 0;
  static final int MMU_UPDATE = 1;
  static final int UPDATE_MAPPING = 2;
  static final int SET_CALLBACK = 3;
  static final int SET_FAST_TRAP = 4;
  static final int SET_SEGMENT = 5;
  static final int SCHEDULE = 6;
  static final int SET_TIMER = 7;
  static final int CONSOLE = 8;
  static final int EVENTS = 9;
  static final int GRANTS = 10;
  static final int MEMORY = 11;
  static final int DRIVERS = 12;
  static final int MULTICALL = 13;

  /** Most requests of one batch. */
  static final int MOST_UPDATES = 2_048;

  /** Most calls of one multicall. */
  static final int MOST_CALLS = 32;

  /** Longest text of one call to the console, in bytes. */
  static final int MOST_TEXT = 4_096;

  /** Entries after which a long call is begun again behind what it has done, as Xen does. */
  static final long MOST_WORK = 1 << 18;

  // Low bits of an update's address, and what it asks for when it is no entry:
  private static final int ENTRY = 0;
  private static final int EXTENDED = 3;
  private static final int UNPIN = 3;
  private static final int NEW_ROOT = 4;
  private static final int FLUSH = 5;
  private static final int FLUSH_PAGE = 6;

  private static final int A0 = 10;
  private static final int A1 = 11;
  private static final int A7 = 17;

  private final Domain domain;
  private final Parts parts;
  private final KernelThread thread;
  private final Tally tally;

  /** What the thread does next. */
  private int next;

  /** The root was changed: the hart has to go on in another space. */
  private boolean moved;

  /** Requests done of a batch that was refused in its middle, or is to go on later. */
  private long done;

  Hypercalls(Domain domain, Parts parts, Tally tally) {
    this.domain = domain;
    this.parts = parts;
    this.thread = parts.thread();
    this.tally = tally;
  }

  /** Whether the last call changed the root in use. */
  boolean moved() {
    return moved;
  }

  /** Whether that call is one about page tables, for the counts. */
  static boolean aboutTables(long number) {
    return number == MMU_UPDATE || number == UPDATE_MAPPING;
  }

  /** Serves the call that the hart makes; what the thread does next. */
  int serve() {
    next = TrapHandler.RESUME_BEHIND;
    moved = false;
    done = 0;
    long number = thread.x(A7);
    long result;
    try {
      result =
          number == MULTICALL
              ? multicall(thread.x(A0), thread.x(A1))
              : call(number, thread.x(A0), thread.x(A1), thread.x(A1 + 1), thread.x(A1 + 2));
    } catch (CallFailed failed) {
      result = -Refusal.AGAIN; // a server that is needed does not answer
    }
    if (next == TrapHandler.RESUME) {
      return next; // the arguments say where it goes on
    }
    thread.x(A0, result);
    if (number == MMU_UPDATE) {
      thread.x(A1, done);
    }
    return next;
  }

  private long call(long number, long a0, long a1, long a2, long a3) {
    return switch ((int) Math.clamp(number, -1, 64)) {
      case SET_TRAP_TABLE -> trapTable(a0, a1);
      case MMU_UPDATE -> updates(a0, a1);
      case UPDATE_MAPPING -> mapping(a0, a1);
      case SET_CALLBACK -> callback(a0);
      case SET_FAST_TRAP -> fastTrap(a0);
      case SET_SEGMENT -> segment(a0, a1);
      case SCHEDULE -> schedule(a0, a1);
      case SET_TIMER -> timer(a0);
      case CONSOLE -> console(a0, a1);
      case EVENTS -> events(a0, a1);
      case GRANTS -> -(long) grants(a0, a1, a2, a3);
      case MEMORY -> memory(a0, a1, a2);
      case DRIVERS -> drivers(a0, a1, a2);
      default -> -Refusal.UNKNOWN;
    };
  }

  /** A list of calls: number, four arguments, place for the result. */
  private long multicall(long list, long count) {
    if (Long.compareUnsigned(count, MOST_CALLS) > 0) {
      return -Refusal.TOO_MUCH;
    }
    long before = domain.tables.work();
    for (int i = 0; i < count; i++) {
      long at = list + 48L * i;
      long[] words = domain.copy.words(at, 5);
      if (words == null) {
        return -Refusal.FAULT;
      }
      long result =
          words[0] == SCHEDULE
              ? -Refusal.INVALID
              : call(words[0], words[1], words[2], words[3], words[4]);
      if (!domain.copy.write(at + 40, MemorySegment.ofArray(new long[] {result}), 8)) {
        return -Refusal.FAULT;
      }
      if (domain.tables.work() - before > MOST_WORK && i + 1 < count) {
        goOnWith(list + 48L * (i + 1), count - i - 1);
        return 0;
      }
    }
    return 0;
  }

  /** The same call comes again for the rest, so that nobody waits for all of a long one. */
  private void goOnWith(long list, long count) {
    thread.x(A0, list);
    thread.x(A1, count);
    next = TrapHandler.RESUME;
  }

  private long trapTable(long table, long count) {
    if (Long.compareUnsigned(count, Domain.CAUSES) > 0) {
      return -Refusal.TOO_MUCH;
    }
    long[] words = domain.copy.words(table, 2 * (int) count);
    if (words == null) {
      return -Refusal.FAULT;
    }
    for (int i = 0; i < words.length; i += 2) {
      boolean known = Long.compareUnsigned(words[i], Domain.CAUSES) < 0;
      if (!known || !domain.handler(words[i + 1])) {
        return -Refusal.INVALID;
      }
    }
    for (int i = 0; i < words.length; i += 2) {
      domain.handlers[(int) words[i]] = words[i + 1];
    }
    return 0;
  }

  private long callback(long address) {
    if (!domain.handler(address)) {
      return -Refusal.INVALID;
    }
    domain.eventHandler = address;
    return 0;
  }

  /** System calls go straight to that address, without leaving the engine; 0: they come here. */
  private long fastTrap(long address) {
    if (!domain.handler(address)) {
      return -Refusal.INVALID;
    }
    domain.gate = address;
    thread.csr(XenHart.UTVEC, address);
    return 0;
  }

  private long segment(long first, long end) {
    boolean pages = ((first | end) & 4095) == 0;
    // What was mapped under the old one is mapped yet, so only before there are tables.
    if (!pages || Long.compareUnsigned(first, end) >= 0 || domain.tables.current() != null) {
      return -Refusal.INVALID;
    }
    domain.segment(first, end);
    thread.csr(XenHart.SEGMENT, first);
    thread.csr(XenHart.SEGMENT_END, end);
    return 0;
  }

  // ---- page tables ----

  private long updates(long list, long count) {
    if (Long.compareUnsigned(count, MOST_UPDATES) > 0) {
      return -Refusal.TOO_MUCH;
    }
    long before = domain.tables.work();
    for (done = 0; done < count; done++) { // it may be one of several such lists
      if (domain.tables.work() - before > MOST_WORK) {
        if (thread.x(A7) == MULTICALL) {
          return -Refusal.AGAIN;
        }
        goOnWith(list + 16 * done, count - done);
        return 0;
      }
      long[] request = domain.copy.words(list + 16 * done, 2);
      int refused = request == null ? Refusal.FAULT : update(request[0], request[1]);
      tally.updates(1);
      if (refused != Refusal.OK) {
        return -refused;
      }
    }
    return 0;
  }

  private int update(long address, long value) {
    long page = address >>> 12;
    int what = (int) (address & 3);
    if (what == ENTRY) {
      return ruled() ? domain.tables.update(address, value) : Refusal.PERMISSION;
    }
    if (what != EXTENDED) {
      return Refusal.INVALID;
    }
    switch ((int) (value & 0xff)) {
      case 0, 1, 2 -> {
        return ruled() ? domain.tables.pin(page, (int) (value & 3)) : Refusal.PERMISSION;
      }
      case UNPIN -> {
        return domain.tables.unpin(page);
      }
      case NEW_ROOT -> {
        int refused = domain.tables.load(page);
        moved |= refused == Refusal.OK;
        return refused;
      }
      case FLUSH, FLUSH_PAGE -> {
        return Refusal.OK; // what is taken from a table is unmapped at once
      }
      default -> {
        return Refusal.INVALID;
      }
    }
  }

  /** Whether the guest has a root, so that it cannot write its tables any more. */
  private boolean ruled() {
    return domain.tables.current() != null;
  }

  private long mapping(long address, long entry) {
    tally.updates(1);
    return -domain.tables.updateMapping(address, entry);
  }

  // ---- time, life, text ----

  private long schedule(long what, long why) {
    switch ((int) Math.clamp(what, -1, 8)) {
      case 0 -> next = TrapHandler.YIELD;
      case 1 -> next = TrapHandler.WAIT;
      case 2 -> end(why == 0 ? Finish.POWER_OFF : Finish.FAILED | (why & 0xffff) << 16);
      case 3 -> end(Finish.RESET);
      default -> {
        return -Refusal.INVALID;
      }
    }
    return 0;
  }

  private void end(long bits) {
    parts.machine().end(bits);
    next = TrapHandler.SUSPEND;
  }

  private long timer(long time) {
    domain.timer = time;
    thread.csr(XenHart.STIMECMP, time);
    return 0;
  }

  /** For a guest that does not have its console yet: writes, without a ring. */
  private long console(long address, long bytes) {
    if (Long.compareUnsigned(bytes, MOST_TEXT) > 0) {
      return -Refusal.TOO_MUCH;
    }
    byte[] text = new byte[(int) bytes];
    if (!domain.copy.read(address, MemorySegment.ofArray(text), text.length)) {
      return -Refusal.FAULT;
    }
    parts.console().written(new String(text, StandardCharsets.ISO_8859_1));
    return bytes;
  }

  // ---- events, grants, drivers ----

  private long events(long what, long argument) {
    return switch ((int) Math.clamp(what, -1, 8)) {
      case 0 -> domain.ports.bindTimer();
      case 1 -> domain.ports.bindDriver(argument);
      case 2 -> domain.ports.close(argument);
      case 3 -> domain.ports.send(argument);
      default -> -Refusal.INVALID;
    };
  }

  private int grants(long what, long reference, long driver, long page) {
    return switch ((int) Math.clamp(what, -1, 8)) {
      case 0 -> domain.grants.lend(reference, driver, page, true);
      case 1 -> domain.grants.lend(reference, driver, page, false);
      case 2 -> domain.grants.end(reference);
      default -> Refusal.INVALID;
    };
  }

  private long drivers(long what, long number, long argument) {
    if (what == 0) {
      return domain.drivers.size();
    }
    if (Long.compareUnsigned(number, domain.drivers.size()) >= 0) {
      return -Refusal.NOTHING_THERE;
    }
    BackEnd backEnd = domain.drivers.get((int) number).backEnd();
    switch ((int) Math.clamp(what, -1, 8)) {
      case 1 -> {
        boolean usable = domain.grants.usable(argument, number);
        return usable && backEnd.connect((int) argument) ? 0 : -Refusal.INVALID;
      }
      case 2 -> {
        backEnd.disconnect();
        return 0;
      }
      case 3 -> {
        return backEnd.state();
      }
      case 4 -> {
        return backEnd.sizeBytes();
      }
      case 5 -> {
        return backEnd.readOnly() ? 1 : 0;
      }
      default -> {
        return -Refusal.INVALID;
      }
    }
  }

  // ---- balloon ----

  /** Gives pages away, takes as many back, says how many it has and can have. */
  private long memory(long what, long list, long count) {
    return switch ((int) Math.clamp(what, -1, 8)) {
      case 0 -> domain.pages.count() - (long) domain.pages.givenCount();
      case 1 -> domain.pages.count();
      case 2 -> balloon(list, count, true);
      case 3 -> balloon(list, count, false);
      default -> -Refusal.INVALID;
    };
  }

  /** Answers how many pages of the list were done; the first that cannot be ends it. */
  private long balloon(long list, long count, boolean give) {
    if (!ruled()) {
      return -Refusal.PERMISSION;
    }
    if (Long.compareUnsigned(count, MOST_UPDATES) > 0) {
      return -Refusal.TOO_MUCH;
    }
    long[] wanted = domain.copy.words(list, (int) count);
    if (wanted == null) {
      return -Refusal.FAULT;
    }
    for (int i = 0; i < wanted.length; i++) {
      boolean possible =
          give
              ? domain.pages.owned(wanted[i]) && domain.pages.held(wanted[i]) == 0
              : domain.pages.given(wanted[i]);
      if (!possible) {
        return i;
      }
      if (give) {
        domain.memory.giveBack(wanted[i]);
      }
      domain.pages.given(wanted[i], give);
    }
    return wanted.length;
  }
}
