package duality.personality.linux;

import static duality.kernel.TrapHandler.RESUME;
import static duality.kernel.TrapHandler.RESUME_BEHIND;
import static duality.kernel.TrapHandler.SUSPEND;
import static duality.kernel.TrapHandler.WAIT;
import static duality.kernel.TrapHandler.YIELD;

import duality.kernel.KernelThread;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.processor.Memory;
import java.util.Set;
import java.util.TreeSet;

/**
 * What happens when a process comes out of the engine, and how it goes on: system calls, page
 * faults, other exceptions, kicks; and on the way back, signals.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link Task}, with the thread in its
 * handler.
 */
final class Traps {
  private static final int ECALL_FROM_USER = 8;
  private static final int FETCH_FAULT = 12;
  private static final int LOAD_FAULT = 13;
  private static final int STORE_FAULT = 15;
  private static final int ECALL_BYTES = 4;
  private static final int MOST_LOGGED = 100;

  /** Calls that a signal with a handler always ends: select, poll, sleeping, waiting for one. */
  private static final Set<Long> NEVER_RESTARTED = Set.of(72L, 73L, 101L, 115L, 133L, 137L);

  private final Linux linux;
  private final SystemCalls calls;

  /** Numbers of calls that were asked for and are not there: each is logged once. */
  private final Set<Long> missing = new TreeSet<>();

  private long served;
  private long unserved;

  Traps(Linux linux) {
    this.linux = linux;
    this.calls = new SystemCalls(linux);
  }

  /** System calls so far. */
  long served() {
    return served;
  }

  /** Of these, those that are not there. */
  long unserved() {
    return unserved;
  }

  /** Serves a trap; answers as {@link TrapHandler#trap}. */
  int serve(Process process, int cause, long value) {
    return switch (cause) {
      case ECALL_FROM_USER -> {
        served++;
        yield call(process);
      }
      case FETCH_FAULT -> fault(process, cause, value, Memory.EXECUTE);
      case LOAD_FAULT -> fault(process, cause, value, Memory.READ);
      case STORE_FAULT -> fault(process, cause, value, Memory.WRITE);
      case TrapHandler.INTERRUPT -> kicked(process);
      default -> exception(process, cause, value);
    };
  }

  private int fault(Process process, int cause, long address, int access) {
    long page = AddressSpace.page(address);
    if (process.space().resolve(page, access)) {
      return RESUME;
    }
    if (process.space().allows(page, access)) {
      linux.end(process, Signals.KILL, "there is no memory left for it");
      return SUSPEND;
    }
    return exception(process, cause, address);
  }

  private int exception(Process process, int cause, long value) {
    Signal signal = Signal.of(cause);
    process.fault =
        signal.what()
            + (signal.hasAddress() ? " 0x" + Long.toHexString(value) : "")
            + " at pc 0x"
            + Long.toHexString(process.thread().pc());
    process.signals().force(signal.number(), new Signals.Origin(1, value, 0));
    return goOn(process);
  }

  private int kicked(Process process) {
    process.kicked();
    if (process.alarmAt != 0 && System.nanoTime() - process.alarmAt >= 0) {
      process.alarmAt = process.alarmInterval == 0 ? 0 : System.nanoTime() + process.alarmInterval;
      process.signals().post(Signals.ALARM);
    }
    process.setTimer();
    if (process.isStopped()) {
      return stay(process);
    }
    return process.waits() ? call(process) : goOn(process);
  }

  // ---- calls ----

  private int call(Process process) {
    KernelThread thread = process.thread();
    long number = thread.x(SystemCalls.A7);
    long answer = calls.serve(process, number, index -> thread.x(SystemCalls.A0 + index));
    if (process.hasEnded()) {
      return SUSPEND;
    }
    if (answer == SystemCalls.BLOCKED) {
      return blocked(process, number);
    }
    process.waitsNoMore();
    if (answer == SystemCalls.ELSEWHERE) {
      return goOn(process);
    }
    if (answer == SystemCalls.UNSERVED) {
      unserved++;
      answer = Errno.ENOSYS;
      if (missing.size() < MOST_LOGGED && missing.add(number)) {
        linux.log("system call " + number + calls.name(number) + " is not served: ENOSYS");
      }
    }
    thread.x(SystemCalls.A0, answer);
    if (number != SystemCalls.SCHED_YIELD && !process.signals().deliverable()) {
      return RESUME_BEHIND;
    }
    thread.pc(thread.pc() + ECALL_BYTES);
    int next = goOn(process);
    return next == RESUME && number == SystemCalls.SCHED_YIELD ? YIELD : next;
  }

  /** The call has to wait, unless a signal ends that. */
  private int blocked(Process process, long number) {
    KernelThread thread = process.thread();
    Signals signals = process.signals();
    if (signals.deliverable() && signals.nextIsHandled()) {
      process.waitsNoMore();
      if (!signals.restarts() || NEVER_RESTARTED.contains(number)) {
        thread.x(SystemCalls.A0, Errno.EINTR);
        thread.pc(thread.pc() + ECALL_BYTES);
      }
      return goOn(process);
    }
    int next = goOn(process); // stops, ends, or nothing
    if (next != RESUME) {
      return next;
    }
    if (!process.waits()) {
      process.waitFor(Process.ANYTHING);
    }
    process.setTimer();
    return stay(process);
  }

  /** The thread waits for a kick or its timer, and then comes back from where it is. */
  private static int stay(Process process) {
    KernelThread thread = process.thread();
    thread.pc(thread.pc() - ECALL_BYTES); // WAIT finishes an instruction
    return WAIT;
  }

  // ---- signals ----

  /** On the way back: delivers signals; the registers are those with which it would go on. */
  private int goOn(Process process) {
    Signals signals = process.signals();
    while (!process.hasEnded() && !process.isStopped() && signals.deliverable()) {
      int signal = signals.take();
      Signals.Action action = signals.action(signal);
      if (signals.isIgnored(signal)) {
        continue;
      }
      if (action.handler() != Signals.DEFAULT) {
        try {
          SignalFrame.enter(process, signal);
        } catch (UserMemory.Fault e) {
          linux.end(process, Signals.SEGV, "there is no stack for the handler of signal " + signal);
        }
      } else if (Signals.stops(signal)) {
        process.stop(signal);
        linux.changed(process);
      } else {
        linux.end(process, signal, reason(process, signal));
      }
    }
    return process.hasEnded() ? SUSPEND : process.isStopped() ? stay(process) : RESUME;
  }

  private static String reason(Process process, int signal) {
    if (!process.fault.isEmpty()) {
      return process.fault;
    }
    Signals.Origin origin = process.signals().origin(signal);
    return origin.code() == 0 && origin.value() == process.pid
        ? "it sent itself signal " + signal
        : "signal " + signal;
  }

  State save() {
    return State.of("traps", 1).with("served", served).with("unserved", unserved);
  }

  void restore(State saved) {
    saved.expect("traps", 1);
    served = saved.number("served", 0, Long.MAX_VALUE);
    unserved = saved.number("unserved", 0, served);
  }
}
