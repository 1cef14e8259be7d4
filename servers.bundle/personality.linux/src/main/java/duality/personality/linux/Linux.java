package duality.personality.linux;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.KernelThread;
import duality.kernel.Space;
import duality.kernel.processor.HartMode;
import duality.servers.Personality;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The system that the processes of one task see: memory, files, the process table, the terminal.
 * Process 1 is the program that was started; when it ends, all end.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link Task}.
 */
final class Linux {
  /** How many processes there may be at a time. */
  static final int MOST_PROCESSES = 64;

  private final Context context;
  private final MainMemory memory;
  private final RandomGenerator random;
  private final TaskClock clock;
  private final Files files;
  private final Terminal terminal;
  private final Disk disk;

  /** Processes by number, those that ended and were not waited for, too. */
  final TreeMap<Integer, Process> processes = new TreeMap<>();

  private final Map<Integer, Process> byThread = new TreeMap<>();

  /** The process table: all places that were ever needed. */
  private final List<Slot> slots = new ArrayList<>();

  private final List<Slot> free = new ArrayList<>();
  int lastPid;

  // Of threads that are no more:
  private long cpuBefore;
  private long instructionsBefore;

  Linux(
      Context context,
      MainMemory memory,
      RandomGenerator random,
      TaskClock clock,
      Terminal.Line line,
      boolean interactive,
      Disk.@Nullable Port store) {
    this.context = context;
    this.memory = memory;
    this.random = random;
    this.clock = clock;
    this.files = new Files(this);
    this.terminal = new Terminal(this, line, interactive);
    this.disk = new Disk(this, store);
  }

  MainMemory memory() {
    return memory;
  }

  RandomGenerator random() {
    return random;
  }

  TaskClock clock() {
    return clock;
  }

  Files files() {
    return files;
  }

  Terminal terminal() {
    return terminal;
  }

  Disk disk() {
    return disk;
  }

  /** Real time in seconds. */
  long seconds() {
    return clock.nanos(TaskClock.REALTIME) / 1_000_000_000;
  }

  /** What the endpoint has. */
  Context context() {
    return context;
  }

  void log(String message) {
    context.log(message);
  }

  // ---- the process table ----

  /** A new process without memory and files; nothing when there are too many. */
  @Nullable Process create() {
    Slot slot = freeSlot();
    if (slot == null || processes.size() >= MOST_PROCESSES) {
      return null;
    }
    do {
      lastPid = lastPid == 32_767 ? 2 : lastPid + 1;
    } while (processes.containsKey(lastPid));
    return put(lastPid, slot);
  }

  /** A process in a place of the table. */
  Process put(int pid, Slot slot) {
    Process process = new Process(pid, slot, memory, files.root());
    processes.put(pid, process);
    byThread.put(slot.thread().id(), process);
    return process;
  }

  /** The same, for a process that may have ended: then its place is not its any more. */
  void put(int pid, Slot slot, boolean ended) {
    if (ended) {
      processes.put(pid, new Process(pid, slot, memory, files.root()));
    } else {
      put(pid, slot);
    }
  }

  private @Nullable Slot freeSlot() {
    for (int i = free.size() - 1; i >= 0; i--) {
      if (free.get(i).isAtRest()) {
        return free.remove(i);
      }
    }
    return slots.size() < MOST_PROCESSES ? slot(slots.size()) : null;
  }

  /** A place by its number, made when it is not there; its space and thread are the endpoint's. */
  Slot slot(int number) {
    for (Slot each : slots) {
      if (each.number() == number) {
        return each;
      }
    }
    String name = number == 0 ? "main" : "process" + number;
    Space space = context.space(name);
    KernelThread thread =
        context.thread(
            name,
            HartMode.USER,
            space,
            context.self(Personality.class),
            context.config("engine", ""));
    Slot made = new Slot(number, space, thread);
    slots.add(made);
    return made;
  }

  /** Places that nobody is in, for a state and after one. */
  List<Slot> free() {
    return free;
  }

  List<Slot> slots() {
    return slots;
  }

  /** The process that has a thread; nothing when that is none of ours, or has ended. */
  @Nullable Process ofThread(int thread) {
    return byThread.get(thread);
  }

  /** The first process. */
  Process init() {
    Process init = processes.get(1);
    if (init == null) {
      throw new IllegalStateException("there is no process 1");
    }
    return init;
  }

  /** Processor time of all threads, in nanoseconds. */
  long cpuNanos() {
    return cpuBefore + slots.stream().mapToLong(each -> each.thread().cpuNanos()).sum();
  }

  /** Instructions of all threads. */
  long instructions() {
    return instructionsBefore
        + slots.stream().mapToLong(each -> each.thread().instructions()).sum();
  }

  // ---- life ----

  /** What exit, or a signal, does. With the process's thread in its handler, or suspended. */
  void end(Process process, int waitStatus, String reason) {
    if (process.hasEnded()) {
      return;
    }
    process.end(waitStatus, reason);
    process.files().close(true);
    process.space().release();
    files.sweep();
    disk.abandon(process);
    byThread.remove(process.thread().id());
    Process init = processes.get(1);
    for (Process child : process.children) {
      child.parent = init;
      if (init != null && init != process) {
        init.children.add(child);
        if (child.hasEnded()) {
          tellParent(child);
        }
      }
    }
    process.children.clear();
    if (process.pid != 1) {
      free.add(process.slot);
      tellParent(process);
    }
  }

  private void tellParent(Process child) {
    Process parent = child.parent;
    if (parent == null || parent.hasEnded()) {
      return;
    }
    Signals.Action action = parent.signals().action(Signals.CHILD);
    boolean unwanted =
        action.handler() == Signals.IGNORE || (action.flags() & Signals.NO_CHILD_WAIT) != 0;
    if (unwanted) {
      bury(child);
    }
    int status = child.waitStatus();
    boolean byItself = (status & 0x7f) == 0;
    parent
        .signals()
        .post(
            Signals.CHILD,
            new Signals.Origin(
                byItself ? 1 : 2, child.pid, byItself ? status >> 8 : status & 0x7f));
    wake(parent);
  }

  /** A process stopped or goes on: its parent may want to know. */
  void changed(Process child) {
    Process parent = child.parent;
    if (parent != null) {
      if ((parent.signals().action(Signals.CHILD).flags() & Signals.NO_CHILD_STOP) == 0) {
        parent.signals().post(Signals.CHILD);
      }
      wake(parent);
    }
  }

  /** Forgets a process that ended: its parent knows. */
  void bury(Process child) {
    processes.remove(child.pid);
    Process parent = child.parent;
    if (parent != null) {
      parent.children.remove(child);
      parent.childrenCpu += child.cpuNanos() + child.childrenCpu;
    }
  }

  /** Something happened for which processes may wait. */
  void wake(Object what) {
    for (Process each : processes.values()) {
      if (each.waitsFor(what)) {
        each.kick();
      }
    }
  }

  /**
   * Sends a signal to processes.
   *
   * @return how many there were
   */
  int post(java.util.function.Predicate<Process> to, int signal, Signals.Origin origin) {
    int count = 0;
    for (Process each : List.copyOf(processes.values())) {
      if (to.test(each)) {
        count++;
        if (signal != 0 && !each.hasEnded()) {
          if (signal == Signals.CONTINUE || signal == Signals.KILL) {
            boolean was = each.isStopped();
            each.goOn();
            each.kick();
            if (was) {
              changed(each);
            }
          }
          each.signals().post(signal, origin);
        }
      }
    }
    return count;
  }

  /** Ends threads and spaces but the first ones. All threads are suspended, or on their way. */
  void clear() {
    for (Slot each : slots) {
      if (each.number() != 0) {
        cpuBefore += each.thread().cpuNanos();
        instructionsBefore += each.thread().instructions();
        try {
          context.removeThread("process" + each.number());
          context.removeSpace("process" + each.number());
        } catch (CallFailed e) {
          log("process " + each.number() + " is not removed: " + e.getMessage());
        }
      }
    }
    slots.removeIf(each -> each.number() != 0);
    free.clear();
    files.clear();
    processes.values().removeIf(each -> each.pid != 1);
  }
}
