package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.TrapHandler;
import duality.kernel.core.ThreadObject.Doing;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Memory;

/** What becomes of a hart that left the engine: calls to pagers, handlers and devices. */
final class Exits {
  private Exits() {}

  /** Serves an exit; answers what the thread does next. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs the thread
  static Doing serve(ThreadObject thread, int exit) {
    var hart = thread.hart();
    switch (exit) {
      case Exit.FAULT -> {
        thread.faults++;
        long address = hart.exitAddress();
        if (thread.space.fault(address >>> Memory.PAGE_SHIFT, hart.exitAccess())) {
          return Doing.RUNNING;
        }
        if (thread.mode == HartMode.FULL) {
          hart.refuse();
          return Doing.RUNNING;
        }
        return trap(thread, causeOf(hart.exitAccess()), address);
      }
      case Exit.MMIO_LOAD -> {
        thread.mmio++;
        try {
          hart.completeLoad(thread.handler().load(thread.id, hart.exitAddress(), hart.exitWidth()));
        } catch (CallFailed.BadRequest e) {
          hart.refuse();
        }
        return Doing.RUNNING;
      }
      case Exit.MMIO_STORE -> {
        thread.mmio++;
        try {
          thread.handler().store(thread.id, hart.exitAddress(), hart.exitWidth(), hart.exitValue());
          hart.completeStore();
        } catch (CallFailed.BadRequest e) {
          hart.refuse();
        }
        return Doing.RUNNING;
      }
      case Exit.CALL -> {
        return trap(thread, thread.mode == HartMode.FULL ? 9 : 8, 0);
      }
      case Exit.INTERRUPT -> {
        return trap(thread, TrapHandler.INTERRUPT, 0);
      }
      default -> {
        return trap(thread, hart.exitCause(), hart.exitAddress());
      }
    }
  }

  private static int causeOf(int access) {
    return access == Memory.EXECUTE ? 12 : access == Memory.READ ? 13 : 15;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs the thread
  private static Doing trap(ThreadObject thread, int cause, long value) {
    thread.calls++;
    int answer = thread.handler().trap(thread.id, cause, value);
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
