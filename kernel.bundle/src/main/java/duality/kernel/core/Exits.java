package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.TrapHandler;
import duality.kernel.core.ThreadObject.Doing;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Memory;

/**
 * What becomes of a hart that left the engine: calls to pagers, handlers and devices.
 *
 * <p>A host may be given up while it is in a call, further in than here: then the hart goes on with
 * another one, and the call may return all the same, because whoever was called took the failure
 * below for an answer. So a host asks whether the hart is still its own before it touches it again.
 */
final class Exits {
  private Exits() {}

  /** Serves an exit; answers what the thread does next. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs the thread
  static Doing serve(ThreadObject thread, int exit, Processors.Host host) {
    var hart = thread.hart();
    switch (exit) {
      case Exit.FAULT -> {
        thread.faults++;
        long address = hart.exitAddress();
        boolean mapped;
        Processors.calloutBegins(host);
        try {
          mapped = thread.space.fault(address >>> Memory.PAGE_SHIFT, hart.exitAccess());
        } finally {
          Processors.calloutEnds(host);
        }
        if (mapped) {
          return Doing.RUNNING;
        }
        if (thread.mode == HartMode.FULL) {
          hart.refuse();
          return Doing.RUNNING;
        }
        return trap(thread, causeOf(hart.exitAccess()), address, host);
      }
      case Exit.MMIO_LOAD -> {
        thread.mmio++;
        try {
          hart.completeLoad(load(thread, host));
        } catch (CallFailed.BadRequest e) {
          hart.refuse();
        }
        return Doing.RUNNING;
      }
      case Exit.MMIO_STORE -> {
        thread.mmio++;
        try {
          store(thread, host);
          hart.completeStore();
        } catch (CallFailed.BadRequest e) {
          hart.refuse();
        }
        return Doing.RUNNING;
      }
      case Exit.CALL -> {
        return trap(thread, thread.mode == HartMode.FULL ? 9 : 8, 0, host);
      }
      case Exit.INTERRUPT -> {
        return trap(thread, TrapHandler.INTERRUPT, 0, host);
      }
      default -> {
        return trap(thread, hart.exitCause(), hart.exitAddress(), host);
      }
    }
  }

  private static long load(ThreadObject thread, Processors.Host host) {
    var hart = thread.hart();
    Processors.calloutBegins(host);
    try {
      return thread.handler().load(thread.id, hart.exitAddress(), hart.exitWidth());
    } finally {
      Processors.calloutEnds(host);
    }
  }

  private static void store(ThreadObject thread, Processors.Host host) {
    var hart = thread.hart();
    Processors.calloutBegins(host);
    try {
      thread.handler().store(thread.id, hart.exitAddress(), hart.exitWidth(), hart.exitValue());
    } finally {
      Processors.calloutEnds(host);
    }
  }

  private static int causeOf(int access) {
    return access == Memory.EXECUTE ? 12 : access == Memory.READ ? 13 : 15;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs the thread
  private static Doing trap(ThreadObject thread, int cause, long value, Processors.Host host) {
    thread.calls++;
    int answer;
    Processors.calloutBegins(host);
    try {
      answer = thread.handler().trap(thread.id, cause, value);
    } finally {
      Processors.calloutEnds(host);
    }
    switch (answer) {
      case TrapHandler.RESUME_BEHIND -> {
        thread.hart().completeCall();
        return Doing.RUNNING;
      }
      case TrapHandler.WAIT -> {
        var hart = thread.hart();
        hart.completeCall();
        thread.linesSeen = thread.lines.wordAcquire();
        thread.wakeAt = hart.wakeNanos();
        return hart.interruptPending() ? Doing.RUNNING : Doing.WAITING;
      }
      case TrapHandler.SUSPEND -> {
        thread.wantSuspend();
        return Doing.RUNNING;
      }
      case TrapHandler.YIELD -> {
        return Doing.READY;
      }
      default -> {
        return Doing.RUNNING;
      }
    }
  }
}
