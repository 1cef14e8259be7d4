package duality.personality.linux;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Pager;
import duality.kernel.Rights;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.TaskReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One native program: its space, its thread, and the handler of its traps.
 *
 * <p>What a program is lies in its thread and its space, which belong to the endpoint; a successor
 * finds them there. The state has only the books: areas of memory, counters, and how it ended.
 *
 * <p>Locks: {@link #trap} runs on the program's one thread and takes none; what it shares with
 * {@link #report} and {@link #stop} is guarded by {@code life}, which is never held across a call.
 */
final class Task implements Personality, Instance {
  private static final String SCHEMA = "personality.linux";
  private static final int VERSION = 1;
  private static final long MOST_WAIT_MILLIS = 1_000;
  private static final long MOST_FILE_BYTES = 1L << 28;
  private static final long DEFAULT_MEMORY = 256L << 20;

  /** Output that is remembered for who attaches later. */
  private static final String CONSOLE_BYTES = "1048576";

  private static final int MOST_LOGGED = 100;
  private static final int STACK_POINTER = 2;
  private static final int SIGNAL_KILL = 9;
  private static final int ECALL_FROM_USER = 8;
  private static final int ECALL_BYTES = 4;

  private final Context context;
  private final long memoryBytes;
  private final Space space;
  private final KernelThread thread;
  private final AddressSpace memory;
  private final SystemCalls calls;
  private final Object life = new Object();

  /** Numbers of calls that were asked for and are not there: each is logged once. */
  private final Set<Long> missing = new TreeSet<>();

  /** Value of the host's monotonic clock at which the program's was zero. */
  private long monotonicStart = System.nanoTime();

  // Guarded by life:
  private String state = "created";
  private int status = -1;

  private boolean ending;
  private String reason = "";
  private long served;
  private long unserved;
  private long residentAtEnd;

  Task(Context context, @Nullable State saved) {
    this.context = context;
    memoryBytes = number(context.config("memory", Long.toString(DEFAULT_MEMORY)));
    space = context.space("memory");
    Console console =
        context.child("console", Console.class, Map.of("remember", CONSOLE_BYTES), Map.of());
    Pager pager =
        context.child(
            "pager",
            Pager.class,
            Map.of("quota", Long.toString(memoryBytes)),
            Map.of(
                "space", context.derive(space, Space.class, Rights.MAP, 0),
                "root", context.slot("root", Root.class)));
    thread =
        context.thread(
            "main",
            HartMode.USER,
            space,
            context.self(Personality.class),
            context.config("engine", ""));
    memory = new AddressSpace(space, pager, memoryBytes);
    SecureRandom random = new SecureRandom();
    calls = new SystemCalls(memory, console, random, this::clock, this::end);
    if (saved == null) {
      load(random);
    } else {
      restore(saved);
    }
  }

  private long number(String bytes) {
    try {
      long number = Long.parseLong(bytes);
      if (number >= 1 << 20 && number <= 1L << 36) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new CallFailed.BadRequest(
        context.path() + ": memory=" + bytes + " is no number of bytes from 1M to 64G");
  }

  private void load(SecureRandom random) {
    String file = context.config("file", "");
    try {
      Path path = Path.of(file);
      if (!Files.isRegularFile(path) || Files.size(path) > MOST_FILE_BYTES) {
        throw new Elf.Malformed("it is no file, or one of more than 256 MiB");
      }
      byte[] bytes = Files.readAllBytes(path);
      Elf program = Elf.read(bytes);
      memory.load(program, bytes);
      List<String> arguments = new ArrayList<>(List.of(file));
      arguments.addAll(Personality.texts(context.config("args", "")));
      long stack =
          InitialStack.write(
              memory,
              program,
              arguments,
              Personality.texts(context.config("environment", "")),
              random);
      thread.pc(program.entry());
      thread.x(STACK_POINTER, stack);
    } catch (Elf.Malformed | IOException e) {
      throw new CallFailed.BadRequest("'" + file + "' cannot be run: " + e.getMessage());
    } catch (UserMemory.Fault e) {
      throw new CallFailed.BadRequest(
          "'" + file + "' cannot be run: there is no memory for its stack");
    } catch (IllegalArgumentException e) {
      throw new CallFailed.BadRequest("'" + file + "' is no name of a file: " + e.getMessage());
    }
  }

  @Override
  public void start() {
    synchronized (life) {
      if (!state.equals("created")) {
        return;
      }
      state = "running";
    }
    thread.resume();
  }

  @Override
  public void stop() {
    // Out of the engine and out of trap(): from here on nobody else uses its memory.
    thread.suspend();
    end(128 + SIGNAL_KILL, "it was stopped");
  }

  @Override
  public TaskReport report() {
    long resident = space.mappedPages() * Space.PAGE_BYTES;
    long cpuNanos = thread.cpuNanos();
    long instructions = thread.instructions();
    synchronized (life) {
      return new TaskReport(
          context.path(),
          context.config("file", ""),
          state,
          status,
          reason,
          thread.id(),
          served,
          unserved,
          cpuNanos,
          instructions,
          status >= 0 ? residentAtEnd : resident,
          memoryBytes);
    }
  }

  @Override
  public TaskReport await(long timeoutMillis) {
    long deadline =
        System.nanoTime()
            + TimeUnit.MILLISECONDS.toNanos(Math.clamp(timeoutMillis, 0, MOST_WAIT_MILLIS));
    synchronized (life) {
      long left = deadline - System.nanoTime();
      while (status < 0 && left > 0) {
        try {
          TimeUnit.NANOSECONDS.timedWait(life, left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          break;
        }
        left = deadline - System.nanoTime();
      }
    }
    return report();
  }

  @Override
  public int trap(int number, int cause, long value) {
    if (number != thread.id()) {
      throw new CallFailed.BadRequest(
          context.path() + " has thread " + thread.id() + ", not " + number);
    }
    if (cause != ECALL_FROM_USER) {
      Signal signal = Signal.of(cause);
      String where = " at pc 0x" + Long.toHexString(thread.pc());
      String what = signal.what() + (signal.hasAddress() ? " 0x" + Long.toHexString(value) : "");
      end(128 + signal.number(), what + where);
      return SUSPEND;
    }
    synchronized (life) {
      served++;
    }
    long call = thread.x(SystemCalls.A7);
    long answer =
        call == (int) call
            ? calls.serve((int) call, index -> thread.x(SystemCalls.A0 + index))
            : SystemCalls.UNSERVED;
    boolean known = answer != SystemCalls.UNSERVED;
    if (!known && missing.size() < MOST_LOGGED && missing.add(call)) {
      context.log("system call " + call + SystemCalls.name((int) call) + " is not served: ENOSYS");
    }
    synchronized (life) {
      unserved += known ? 0 : 1;
      if (status >= 0) {
        return SUSPEND;
      }
    }
    thread.x(SystemCalls.A0, known ? answer : Errno.ENOSYS);
    if (call == SystemCalls.SCHED_YIELD) {
      thread.pc(thread.pc() + ECALL_BYTES); // A yield does not step behind the ecall.
      return YIELD;
    }
    return RESUME_BEHIND;
  }

  @Override
  public long load(int number, long address, int width) {
    throw new CallFailed.BadRequest(context.path() + ": a program has no devices");
  }

  @Override
  public void store(int number, long address, int width, long value) {
    throw new CallFailed.BadRequest(context.path() + ": a program has no devices");
  }

  /** Called with the thread in its handler, or suspended: its memory goes back. */
  private void end(int endStatus, String why) {
    synchronized (life) {
      if (ending) {
        return;
      }
      ending = true;
    }
    if (!why.isEmpty()) {
      context.log("ended with status " + endStatus + ": " + why);
    }
    long resident = space.mappedPages() * Space.PAGE_BYTES;
    memory.release();
    synchronized (life) {
      state = "exited";
      status = endStatus;
      reason = why;
      residentAtEnd = resident;
      life.notifyAll();
    }
  }

  private long clock(int id) {
    return switch (id) {
      case 0, 5 -> {
        Instant now = Instant.now();
        yield now.getEpochSecond() * 1_000_000_000 + now.getNano();
      }
      case 1, 4, 6, 7 -> System.nanoTime() - monotonicStart;
      case 2, 3 -> thread.cpuNanos();
      default -> -1;
    };
  }

  @Override
  public State save() {
    synchronized (life) {
      return State.of(SCHEMA, VERSION)
          .with("state", state)
          .with("status", status)
          .with("reason", reason)
          .with("served", served)
          .with("unserved", unserved)
          .with("residentAtEnd", residentAtEnd)
          .with("monotonicNanos", System.nanoTime() - monotonicStart)
          .with("memory", memory.save());
    }
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    synchronized (life) {
      state = saved.text("state");
      status = (int) saved.number("status", -1, 255);
      if (!Set.of("created", "running", "exited").contains(state)
          || state.equals("exited") != (status >= 0)) {
        throw new State.Refused(
            SCHEMA + ".state is '" + state + "' with status " + status + ", which cannot be");
      }
      ending = status >= 0;
      reason = saved.text("reason");
      served = saved.number("served", 0, Long.MAX_VALUE);
      unserved = saved.number("unserved", 0, served);
      residentAtEnd = saved.number("residentAtEnd", 0, Long.MAX_VALUE);
      monotonicStart = System.nanoTime() - saved.number("monotonicNanos", 0, Long.MAX_VALUE);
      memory.restore(saved.state("memory"));
    }
  }
}
