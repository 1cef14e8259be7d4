package duality.personality.linux;

import duality.drivers.Console;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Rights;
import duality.kernel.Space;
import duality.kernel.State;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.TaskReport;
import duality.servers.policy.TaskLife;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A native program and the processes that it makes: the handler of their traps. A system call is an
 * IPC to here, and so is a page fault; a call that has to wait ends in {@code WAIT}, and is served
 * again when the thread is kicked by its line.
 *
 * <p>What a process is lies in its thread and its space, which belong to the endpoint; a successor
 * finds them there. The state has the books: see {@link LinuxState}.
 *
 * <p>Locks: {@link #linux} is used under {@code lock}, by one thread at a time, as Linux on L4 has
 * one server thread [HHL+97]. Inside it go calls to the pager, the console and the store, never one
 * that waits for another process's thread.
 */
final class Task implements Personality, Instance {
  private static final String SCHEMA = "personality.linux";
  private static final int VERSION = 2;
  private static final long DEFAULT_MEMORY = 256L << 20;

  /** Output that is remembered for who attaches later. */
  private static final String CONSOLE_BYTES = "1048576";

  // Bits of the notification:
  private static final long TYPED = 1;
  private static final long STORED = 2;
  private static final long ENDED = 4;

  private static final int CHUNK = 4096;
  private static final String STORE = "store";

  private final Context context;
  private final long memoryBytes;
  private final Space space;
  private final MainMemory memory;
  private final Linux linux;
  private final Traps traps;
  private final Notification events;
  private final Object lock = new Object();
  private final TaskLife life = new TaskLife();

  /** Value of the host's monotonic clock at which the task's was zero. */
  private long monotonicStart = System.nanoTime();

  Task(Context context, @Nullable State saved) {
    this.context = context;
    memoryBytes = Settings.number(context, "memory", 1L << 20, 1L << 36, DEFAULT_MEMORY);
    space = context.space("memory");
    events = context.notification("events");
    Map<String, Object> endowment =
        Map.of(Slots.EVENTS, context.derive(events, Notification.class, Rights.WRITE, 0));
    Console console =
        context.child("console", Console.class, Map.of("remember", CONSOLE_BYTES), endowment);
    Pager pager =
        context.child(
            "pager",
            Pager.class,
            Map.of("quota", Long.toString(memoryBytes)),
            Map.of(
                "space", context.derive(space, Space.class, Rights.MAP, 0),
                "root", context.slot("root", Root.class)));
    memory = new MainMemory(space, pager, memoryBytes);
    linux =
        new Linux(
            context,
            memory,
            new SecureRandom(),
            this::clock,
            new Wire(console),
            context.config("terminal", "false").equals("true"),
            store(endowment));
    traps = new Traps(linux);
    if (saved == null) {
      new FirstProgram(context, linux).load();
    } else {
      restore(saved);
    }
    if (!life.ended()) {
      linux.disk().hold();
    }
    context.worker("events", events, TYPED | STORED | ENDED, this::happened);
  }

  private Disk.@Nullable Port store(Map<String, Object> endowment) {
    String file = context.config("disk", "");
    if (file.isEmpty()) {
      return null;
    }
    Map<String, String> config =
        Map.of("file", file, "readonly", context.config("readonly", "false"), "event", "1");
    // Made when it is asked for first, and by nobody after the end.
    return () -> context.child(STORE, Store.class, config, endowment);
  }

  /** The console as the terminal's wire. */
  private record Wire(Console console) implements Terminal.Line {
    @Override
    public String input() {
      return console.input(CHUNK);
    }

    @Override
    public void output(String bytes) {
      console.written(bytes);
    }
  }

  // ---- life ----

  @Override
  public void start() {
    if (life.start()) {
      main().resume();
    }
  }

  private KernelThread main() {
    synchronized (lock) {
      return linux.slot(0).thread();
    }
  }

  @Override
  public void stop() {
    synchronized (lock) {
      linux.end(linux.init(), Signals.KILL, "it was stopped");
    }
    finish();
  }

  /** Something came from the console or the store, or process 1 has ended. */
  private void happened(long bits) {
    synchronized (lock) {
      if (!linux.init().hasEnded()) {
        if ((bits & TYPED) != 0) {
          linux.terminal().take();
        }
        if ((bits & STORED) != 0) {
          linux.disk().finished();
        }
        return;
      }
    }
    if ((bits & ENDED) != 0) {
      finish();
    }
  }

  /** Process 1 has ended: all others do, and everything goes back but the first thread. */
  private void finish() {
    List<Slot> slots;
    synchronized (lock) {
      if (life.ended()) {
        return;
      }
      slots = List.copyOf(linux.slots());
    }
    for (Slot each : slots) {
      try {
        each.thread().suspend(); // out of the engine and out of trap()
      } catch (CallFailed e) {
        context.log("a thread is gone already: " + e.getMessage());
      }
    }
    synchronized (lock) {
      if (life.ended()) {
        return;
      }
      for (Process each : List.copyOf(linux.processes.values())) {
        linux.end(each, Signals.KILL, "");
      }
      long resident = space.mappedPages() * Space.PAGE_BYTES;
      linux.clear();
      context.removeChild(STORE); // the disk is free for others
      memory.release();
      Process init = linux.init();
      int wait = init.waitStatus();
      if (!init.reason().isEmpty()) {
        context.log("ended: " + init.reason());
      }
      int status = (wait & 0x7f) != 0 ? 128 + (wait & 0x7f) : wait >> 8 & 0xff;
      life.end(status, init.reason(), resident);
    }
  }

  @Override
  public TaskReport report() {
    long resident = space.mappedPages() * Space.PAGE_BYTES;
    synchronized (lock) {
      TaskLife.Figures now = life.now();
      return new TaskReport(
          context.path(),
          context.config("file", ""),
          now.state(),
          now.status(),
          now.reason(),
          linux.slot(0).thread().id(),
          traps.served(),
          traps.unserved(),
          linux.cpuNanos(),
          linux.instructions(),
          now.ended() ? now.residentBytes() : resident,
          memoryBytes);
    }
  }

  @Override
  public TaskReport await(long timeoutMillis) {
    life.await(timeoutMillis);
    return report();
  }

  // ---- traps ----

  @Override
  public int trap(int number, int cause, long value) {
    synchronized (lock) {
      Process process = linux.ofThread(number);
      if (process == null) {
        if (linux.slots().stream().anyMatch(each -> each.thread().id() == number)) {
          return SUSPEND; // its process was ended by others
        }
        throw new CallFailed.BadRequest(context.path() + " has no thread " + number);
      }
      int answer = traps.serve(process, cause, value);
      if (linux.init().hasEnded()) {
        events.signal(ENDED);
      }
      return answer;
    }
  }

  @Override
  public long load(int number, long address, int width) {
    throw new CallFailed.BadRequest(context.path() + ": a program has no devices");
  }

  @Override
  public void store(int number, long address, int width, long value) {
    throw new CallFailed.BadRequest(context.path() + ": a program has no devices");
  }

  private long clock(int id) {
    return switch (id) {
      case 0, 5 -> {
        Instant now = Instant.now();
        yield now.getEpochSecond() * 1_000_000_000 + now.getNano();
      }
      case 1, 4, 6, 7 -> System.nanoTime() - monotonicStart;
      default -> -1;
    };
  }

  // ---- hand-over ----

  @Override
  public State save() {
    synchronized (lock) {
      return life.save(State.of(SCHEMA, VERSION))
          .with("monotonicNanos", System.nanoTime() - monotonicStart)
          .with("traps", traps.save())
          .with("linux", LinuxState.save(linux));
    }
  }

  private void restore(State saved) {
    if (saved.expect(SCHEMA, VERSION) < VERSION) {
      throw new State.Refused(
          SCHEMA + " version 1 is of a personality without processes; it serves its program on");
    }
    synchronized (lock) {
      life.restore(saved);
      monotonicStart = System.nanoTime() - saved.number("monotonicNanos", 0, Long.MAX_VALUE);
      traps.restore(saved.state("traps"));
      LinuxState.restore(linux, saved.state("linux"));
    }
  }
}
