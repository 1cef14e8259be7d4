package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Protocol;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.core.ScriptedEngine.ScriptedHart;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A host thread that was given up in a call two endpoints down comes back to its hart, which has
 * gone on with another one: whoever was called in between took the failure for an answer.
 */
@Timeout(300)
class GivenUpHostTest {
  /** What hangs. */
  @Protocol(rank = 40, deadlineMillis = 100)
  public interface Below {
    void hang();
  }

  private final Core core = Core.start(2, 1 << 20);
  private final CountDownLatch end = new CountDownLatch(1);
  private final CountDownLatch back = new CountDownLatch(1);
  private final AtomicReference<Thread> first = new AtomicReference<>();
  private final AtomicReference<ScriptedHart> hart = new AtomicReference<>();
  private final AtomicReference<KernelThread> thread = new AtomicReference<>();

  private final class Hanging implements Below, Instance {
    @Override
    public void hang() {
      while (end.getCount() > 0) {
        try {
          end.await();
        } catch (InterruptedException e) {
          // It hangs, whatever anybody does.
        }
      }
    }

    @Override
    public State save() {
      return State.of("below", 1);
    }
  }

  /** Asks below the first time, and makes the best of a failure, as a device may. */
  private final class Owner implements ThreadOwner, Instance {
    private final Below below;

    Owner(Context context) {
      below = context.child("below", Below.class, Map.of("server", "hanging"), Map.of());
      Space space = context.space("memory");
      thread.set(context.thread("t", HartMode.USER, space, context.self(ThreadOwner.class), ""));
    }

    private long ask() {
      if (first.compareAndSet(null, Thread.currentThread())) {
        try {
          below.hang();
        } catch (CallFailed e) {
          back.countDown();
          return 66;
        }
      }
      return 42;
    }

    @Override
    public int trap(int id, int cause, long value) {
      ask();
      return TrapHandler.RESUME_BEHIND;
    }

    @Override
    public long load(int id, long address, int width) {
      return ask();
    }

    @Override
    public void store(int id, long address, int width, long value) {
      ask();
    }

    @Override
    public State save() {
      return State.of("owner", 1);
    }
  }

  @AfterEach
  void stop() {
    end.countDown();
    core.close();
  }

  private void completesOnce(int exit) throws InterruptedException {
    core.engine(
        "scripted",
        new ScriptedEngine(
            running -> {
              hart.set(running);
              return running.completed == 0 ? exit : Exit.WAIT;
            }));
    core.register("hanging", (context, saved) -> new Hanging(), Below.class);
    core.register("owner", (context, saved) -> new Owner(context), ThreadOwner.class);
    core.create("m", ThreadOwner.class, Map.of("server", "owner"), Map.of(), false);
    thread.get().resume();
    until("another host to do it", () -> hart.get() != null && hart.get().completed == 1);
    until("the hart to rest", () -> thread.get().state().equals("WAITING"));
    end.countDown();
    back.await();
    Thread given = first.get();
    until(
        "the first host to come back and be at rest",
        () ->
            !given.isAlive()
                || given.getState() == Thread.State.WAITING
                || given.getState() == Thread.State.TIMED_WAITING);
    assertEquals(1, hart.get().completed, "its instruction is done once");
    assertEquals("WAITING", thread.get().state());
  }

  @Test
  void aLoadIsDoneOnce() throws InterruptedException {
    completesOnce(Exit.MMIO_LOAD);
    assertEquals(42, hart.get().loaded, "by who has the hart");
  }

  @Test
  void aStoreIsDoneOnce() throws InterruptedException {
    completesOnce(Exit.MMIO_STORE);
  }

  @Test
  void aCallIsDoneOnce() throws InterruptedException {
    completesOnce(Exit.CALL);
  }
}
