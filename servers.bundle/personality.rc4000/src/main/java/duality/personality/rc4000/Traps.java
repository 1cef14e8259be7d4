package duality.personality.rc4000;

import static duality.kernel.TrapHandler.INTERRUPT;
import static duality.kernel.TrapHandler.RESUME;
import static duality.kernel.TrapHandler.RESUME_BEHIND;
import static duality.kernel.TrapHandler.SUSPEND;
import static duality.kernel.TrapHandler.WAIT;

import duality.kernel.KernelThread;
import duality.personality.rc4000.MainStorage.BadAddress;

/**
 * From the engine into the nucleus and back: its eight calls, page faults, exceptions, kicks.
 *
 * <p>A call has its number in {@code a7} and its arguments from {@code a0} on, and answers in
 * {@code a0}: the values of {@link Nucleus}, and those below.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link NucleusTask}, with the thread in its
 * handler.
 */
final class Traps {
  /** An address is not in the caller's storage. */
  static final long BAD_ADDRESS = -7;

  /** There is no such call. */
  static final long BAD_CALL = -8;

  /** First word of the message by which a process's parent hears that it cannot go on. */
  static final long FAULT = -1;

  private static final int SEND = 1;
  private static final int AWAIT_MESSAGE = 2;
  private static final int ANSWER = 3;
  private static final int AWAIT_ANSWER = 4;
  private static final int CREATE = 5;
  private static final int START = 6;
  private static final int STOP = 7;
  private static final int REMOVE = 8;

  private static final int ECALL_FROM_USER = 8;
  private static final int FETCH_FAULT = 12;
  private static final int LOAD_FAULT = 13;
  private static final int STORE_FAULT = 15;
  private static final int ILLEGAL = 2;
  private static final int BREAKPOINT = 3;
  private static final int ECALL_BYTES = 4;
  private static final int A0 = 10;
  private static final int A7 = 17;

  private final Machinery machinery;
  private final Nucleus nucleus;
  private final MainStorage storage;
  long served;
  long unserved;

  Traps(Machinery machinery) {
    this.machinery = machinery;
    this.nucleus = machinery.nucleus();
    this.storage = machinery.storage();
  }

  /** Serves a trap; answers as {@link duality.kernel.TrapHandler#trap}. */
  int serve(Running running, int cause, long value) {
    if (cause == INTERRUPT) {
      running.kicked();
    }
    machinery.clock().tick();
    if (!running.process.isStarted()) {
      return stay(running);
    }
    return switch (cause) {
      case ECALL_FROM_USER -> {
        served++;
        yield call(running);
      }
      case FETCH_FAULT, LOAD_FAULT, STORE_FAULT ->
          storage.show(running.process, running.slot.space(), value / MainStorage.PAGE)
              ? RESUME
              : exception(running, cause, value);
      case INTERRUPT -> running.process.waits() ? call(running) : RESUME;
      default -> exception(running, cause, value);
    };
  }

  /** The thread waits for a kick or its timer, and then comes back from where it is. */
  private static int stay(Running running) {
    KernelThread thread = running.slot.thread();
    thread.pc(thread.pc() - ECALL_BYTES); // WAIT finishes an instruction
    return WAIT;
  }

  private int exception(Running running, int cause, long value) {
    InternalProcess process = running.process;
    long pc = running.slot.thread().pc();
    String what =
        Names.text(process.name)
            + ": exception "
            + cause
            + ", value 0x"
            + Long.toHexString(value)
            + ", at pc 0x"
            + Long.toHexString(pc);
    machinery.log(what);
    if (process.parent == null) {
      machinery.end(128 + signal(cause), what);
      return SUSPEND;
    }
    nucleus.fault(process, new long[] {FAULT, cause, value, pc, 0, 0, 0, 0});
    return stay(running);
  }

  /** The number that people know from elsewhere for that. */
  private static int signal(int cause) {
    return switch (cause) {
      case ILLEGAL -> 4;
      case BREAKPOINT -> 5;
      default -> 11;
    };
  }

  // ---- calls ----

  private int call(Running running) {
    KernelThread thread = running.slot.thread();
    long answer;
    try {
      answer = call(running, thread);
    } catch (BadAddress e) {
      running.process.waiting = InternalProcess.Waiting.NOTHING;
      answer = BAD_ADDRESS;
    }
    if (machinery.hasEnded()) {
      return SUSPEND;
    }
    if (answer == Nucleus.BLOCKED) {
      long due = machinery.clock().due(running.process.awaited);
      if (running.process.waiting == InternalProcess.Waiting.ANSWER && due >= 0) {
        running.comeAt(machinery.hostNanos(due));
      }
      return stay(running);
    }
    thread.x(A0, answer);
    return RESUME_BEHIND;
  }

  private long call(Running running, KernelThread thread) throws BadAddress {
    InternalProcess process = running.process;
    long first = thread.x(A0);
    long second = thread.x(A0 + 1);
    return switch ((int) Math.clamp(thread.x(A7), -1, Integer.MAX_VALUE)) {
      case SEND -> nucleus.send(process, first, storage.words(process, second));
      case AWAIT_MESSAGE -> awaitMessage(process, first, thread);
      case ANSWER ->
          nucleus.answer(process, first, thread.x(A0 + 2), storage.words(process, second));
      case AWAIT_ANSWER -> awaitAnswer(process, first, second);
      case CREATE -> create(process, thread);
      case START -> nucleus.start(process, first);
      case STOP -> nucleus.stop(process, first);
      case REMOVE -> nucleus.remove(process, first);
      default -> {
        unserved++;
        yield BAD_CALL;
      }
    };
  }

  private long awaitMessage(InternalProcess process, long address, KernelThread thread)
      throws BadAddress {
    MessageBuffer first = process.queue.peek();
    if (first != null) {
      storage.words(process, address, first.words); // before it is taken: this may fail
    } else if (!MainStorage.has(process, address, MainStorage.WORDS_BYTES)) {
      throw new BadAddress();
    }
    MessageBuffer message = nucleus.awaitMessage(process);
    if (message == null) {
      return Nucleus.BLOCKED;
    }
    thread.x(A0 + 1, message.sender == null ? 0 : message.sender.name);
    return message.number;
  }

  private long awaitAnswer(InternalProcess process, long buffer, long address) throws BadAddress {
    long[] answer = storage.words(process, address);
    long result = nucleus.awaitAnswer(process, buffer, answer);
    if (result >= 0) {
      storage.words(process, address, answer);
    }
    return result;
  }

  private long create(InternalProcess parent, KernelThread thread) {
    long name = thread.x(A0);
    long address = thread.x(A0 + 1);
    long bytes = thread.x(A0 + 2);
    if (address % MainStorage.PAGE != 0 || bytes % MainStorage.PAGE != 0) {
      return Nucleus.BAD_STORAGE;
    }
    Slot slot = machinery.freeSlot();
    if (slot == null) {
      return Nucleus.TOO_MANY;
    }
    long page = address / MainStorage.PAGE - MainStorage.BASE_PAGE;
    long result = nucleus.create(parent, name, page, bytes / MainStorage.PAGE, thread.x(A0 + 3));
    InternalProcess child = nucleus.process(name);
    if (result == 0 && child != null) {
      machinery
          .put(child, slot)
          .begin(thread.x(A0 + 4), 0, thread.x(A0 + 5), parent.name, bytes, name);
    }
    return result;
  }
}
