package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thread that its handler sends to other spaces, and that waits for interrupts. */
@Timeout(300)
class EnterTest {
  /** A monitor of one thread and two spaces. */
  @Protocol(rank = Protocol.MACHINE, deadlineMillis = 1_000)
  public interface TwoSpaces extends TrapHandler {
    KernelThread thread();

    Space space(String name);
  }

  private final Core core = Core.start(2, 1 << 20, 20);
  private final List<Integer> causes = Collections.synchronizedList(new ArrayList<>());
  private volatile int answer = TrapHandler.RESUME;

  private final class Monitor implements TwoSpaces, Instance {
    private final Context context;
    private final KernelThread thread;

    Monitor(Context context) {
      this.context = context;
      thread =
          context.thread(
              "t", HartMode.USER, context.space("one"), context.self(TwoSpaces.class), "");
    }

    @Override
    public KernelThread thread() {
      return thread;
    }

    @Override
    public Space space(String name) {
      return context.space(name);
    }

    @Override
    public int trap(int id, int cause, long value) {
      causes.add(cause);
      if (cause == 2) {
        thread.enter(HartMode.USER, context.space("two"));
      }
      return answer;
    }

    @Override
    public long load(int id, long address, int width) {
      return 0;
    }

    @Override
    public void store(int id, long address, int width, long value) {}

    @Override
    public State save() {
      return State.of("two", 1);
    }
  }

  private TwoSpaces monitor(ToIntFunction<ScriptedHart> script) {
    core.engine("scripted", new ScriptedEngine(script));
    core.register("monitor", (context, saved) -> new Monitor(context), TwoSpaces.class);
    return core.create("m", TwoSpaces.class, Map.of("server", "monitor"), Map.of(), false);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private ThreadObject only() {
    return core.allThreads().iterator().next();
  }

  @Test
  void aThreadGoesOnInAnotherSpace() {
    Memory[] first = new Memory[1];
    TwoSpaces monitor =
        monitor(
            hart -> {
              if (first[0] == null) {
                first[0] = hart.memory;
              }
              return hart.memory == first[0] ? Exit.EXCEPTION : Exit.WAIT;
            });
    monitor.thread().resume();
    until("the thread to wait", () -> monitor.thread().state().equals("WAITING"));
    assertEquals(List.of(2), causes);
    assertNotSame(first[0], only().space);
    assertEquals("m:two", only().space.name());
    monitor.thread().suspend();
    long id = monitor.thread().id();
    monitor.thread().enter(HartMode.FULL, monitor.space("one"));
    assertSame(first[0], only().space);
    assertEquals(HartMode.FULL, only().mode);
    assertEquals(id, monitor.thread().id());
  }

  @Test
  void whoTakesAPageAwayWaitsForThreadsThatAreThere() {
    monitor(hart -> (hart.lines.word() & Lines.ATTENTION) != 0 ? Exit.ATTENTION : spin(hart));
    TwoSpaces monitor = core.connect("m", TwoSpaces.class);
    Space one = monitor.space("one");
    Space two = monitor.space("two");
    for (Space each : List.of(one, two)) {
      each.region(0, 4, Memory.READ);
    }
    KernelThread thread = monitor.thread();
    thread.enter(HartMode.USER, two);
    thread.resume();
    for (int i = 0; i < 200; i++) {
      for (Space each : List.of(one, two)) {
        each.map(0, core.allFrames(), 1, 1, Memory.READ);
        each.unmap(0, 1);
      }
    }
    thread.suspend();
  }

  private static int spin(ScriptedHart hart) {
    while ((hart.lines.word() & Lines.ATTENTION) == 0) {
      Thread.onSpinWait();
    }
    return Exit.ATTENTION;
  }

  @Test
  void anInterruptGoesToTheHandlerAndWaitEndsWithALine() {
    answer = TrapHandler.WAIT;
    TwoSpaces monitor = monitor(hart -> Exit.INTERRUPT);
    KernelThread thread = monitor.thread();
    thread.csr(0x104, Lines.SEIP);
    thread.resume();
    until("the thread to wait", () -> thread.state().equals("WAITING"));
    assertEquals(List.of(TrapHandler.INTERRUPT), causes);
    thread.lines().signal(Lines.SEIP);
    until("the line to wake it", () -> causes.size() > 1);
    thread.lines().clear(Lines.SEIP);
    until("the thread to wait again", () -> thread.state().equals("WAITING"));
  }

  @Test
  void registersThatAHartDoesNotHaveAreABadRequest() {
    KernelThread thread = monitor(hart -> Exit.WAIT).thread();
    assertThrows(CallFailed.BadRequest.class, () -> thread.csr(0x180, 0));
    thread.resume();
    until("the thread to wait", () -> thread.state().equals("WAITING"));
    assertThrows(CallFailed.BadRequest.class, () -> thread.csr(0x104, 0));
    Space other = core.connect("m", TwoSpaces.class).space("two");
    assertThrows(CallFailed.BadRequest.class, () -> thread.enter(HartMode.USER, other));
  }
}
