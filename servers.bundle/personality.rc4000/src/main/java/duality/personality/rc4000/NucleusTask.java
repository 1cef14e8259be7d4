package duality.personality.rc4000;

import duality.drivers.Console;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Rights;
import duality.kernel.Space;
import duality.kernel.State;
import duality.personality.rc4000.MainStorage.BadAddress;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.TaskReport;
import duality.servers.policy.TaskLife;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A nucleus, its first process {@code s}, and all below it: the handler of their traps.
 *
 * <p>What a process is lies in its thread and its space, which belong to the endpoint; a successor
 * finds them there. The state has the books: see {@link NucleusState}.
 *
 * <p>Locks: {@link #machinery} is used under {@code lock}, by one thread at a time: the nucleus of
 * the RC 4000 was not interrupted either. Inside it go calls to the pager and the console, never
 * one that waits for another process's thread.
 */
final class NucleusTask implements Personality, Instance {
  private static final String SCHEMA = "personality.rc4000";
  private static final int VERSION = 1;
  private static final long DEFAULT_MEMORY = 16L << 20;
  private static final long MOST_FILE_BYTES = 1L << 26;
  private static final String CONSOLE_BYTES = "1048576";
  private static final int MOST_ARGUMENT = 1024;

  // Bits of the notification:
  private static final long ENDED = 1;
  private static final long TYPED = 2;

  /** Name of the program that is in the bundle. */
  private static final String BUILT_IN = "systems";

  /** The number of {@link #TYPED}. */
  private static final String TYPED_BIT = "1";

  private final Context context;
  private final long memoryBytes;
  private final MainStorage storage;
  private final Machinery machinery;
  private final Traps traps;
  private final Object lock = new Object();
  private final TaskLife life = new TaskLife();

  NucleusTask(Context context, @Nullable State saved) {
    this.context = context;
    memoryBytes = Settings.number(context, "memory", 1L << 20, 1L << 36, DEFAULT_MEMORY);
    int buffers = Settings.number(context, "buffers", 1, 65_536, 64);
    int processes = Settings.number(context, "processes", 1, 1_024, 64);
    Space space = context.space("memory");
    Notification events = context.notification("events");
    Console console =
        context.child(
            "console",
            Console.class,
            Map.of("remember", CONSOLE_BYTES, Slots.EVENT_BIT, TYPED_BIT),
            Map.of(Slots.EVENTS, context.derive(events, Notification.class, Rights.WRITE, 0)));
    Pager pager =
        context.child(
            "pager",
            Pager.class,
            Map.of("quota", Long.toString(memoryBytes)),
            Map.of(
                "space", context.derive(space, Space.class, Rights.MAP, 0),
                "root", context.slot("root", Root.class)));
    storage = new MainStorage(space, memoryBytes);
    machinery = new Machinery(context, console, storage, buffers, processes, events, ENDED);
    traps = new Traps(machinery);
    if (saved == null) {
      storage.cover(pager);
      load();
    } else {
      restore(saved);
    }
    context.worker("events", events, ENDED | TYPED, this::happened);
  }

  /** The first process: the program, and its arguments as one text at the end of the storage. */
  private void load() {
    String file = context.config("file", "");
    try {
      InternalProcess first = machinery.nucleus().first();
      long entry = new Program(read(file)).load(first, storage);
      String text = String.join(" ", Personality.texts(context.config("args", "")));
      byte[] argument = Arrays.copyOf(text.getBytes(StandardCharsets.UTF_8), MOST_ARGUMENT);
      argument[MOST_ARGUMENT - 1] = 0;
      long at = MainStorage.BASE + memoryBytes / MainStorage.PAGE * MainStorage.PAGE;
      storage.write(first, at - MOST_ARGUMENT, argument);
      machinery
          .put(first, machinery.slot(0))
          .begin(entry, MOST_ARGUMENT, at - MOST_ARGUMENT, 0, at - MainStorage.BASE, first.name);
    } catch (Program.Malformed | IOException e) {
      throw refused(file, e.getMessage());
    } catch (BadAddress e) {
      throw refused(file, "there is no memory for it");
    } catch (IllegalArgumentException e) {
      throw new CallFailed.BadRequest("'" + file + "' is no name of a file: " + e.getMessage());
    }
  }

  /** A file of the host, or what is built in. */
  private static byte[] read(String file) throws IOException, Program.Malformed {
    if (file.equals(BUILT_IN)) {
      try (InputStream elf = NucleusTask.class.getResourceAsStream("systems.elf")) {
        if (elf == null) {
          throw new IOException("it is missing from the bundle");
        }
        return elf.readAllBytes();
      }
    }
    Path path = Path.of(file);
    if (!Files.isRegularFile(path) || Files.size(path) > MOST_FILE_BYTES) {
      throw new Program.Malformed("it is no file, or one of more than 64 MiB");
    }
    return Files.readAllBytes(path);
  }

  private static CallFailed.BadRequest refused(String file, @Nullable String why) {
    return new CallFailed.BadRequest("'" + file + "' cannot be run: " + why);
  }

  // ---- life ----

  @Override
  public void start() {
    synchronized (lock) {
      if (!life.start()) {
        return;
      }
      InternalProcess first = machinery.nucleus().first();
      first.stopped = false;
      machinery.changed(first);
    }
  }

  @Override
  public void stop() {
    synchronized (lock) {
      machinery.end(137, "it was stopped");
    }
    finish();
  }

  /** Somebody has typed, or the first process has ended. */
  private void happened(long bits) {
    synchronized (lock) {
      if (!machinery.hasEnded()) {
        machinery.typewriter().typed();
      }
    }
    finish();
  }

  /** The first process has ended: all others do, and everything goes back but the first thread. */
  private void finish() {
    List<Slot> slots;
    synchronized (lock) {
      if (!machinery.hasEnded() || life.ended()) {
        return;
      }
      slots = List.copyOf(machinery.slots());
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
      long resident = storage.residentBytes();
      machinery.clear();
      storage.release();
      if (!machinery.reason().isEmpty()) {
        context.log("ended: " + machinery.reason());
      }
      life.end(machinery.status(), machinery.reason(), resident);
    }
  }

  @Override
  public TaskReport report() {
    synchronized (lock) {
      TaskLife.Figures now = life.now();
      return new TaskReport(
          context.path(),
          context.config("file", ""),
          now.state(),
          now.status(),
          now.reason(),
          machinery.slot(0).thread().id(),
          traps.served,
          traps.unserved,
          machinery.cpuNanos(),
          machinery.instructions(),
          now.ended() ? now.residentBytes() : storage.residentBytes(),
          memoryBytes);
    }
  }

  @Override
  public TaskReport await(long timeoutMillis) {
    life.await(timeoutMillis);
    return report();
  }

  /** Compares the books of buffers. */
  @Override
  public void check() {
    synchronized (lock) {
      machinery.nucleus().check();
    }
  }

  // ---- traps ----

  @Override
  public int trap(int number, int cause, long value) {
    synchronized (lock) {
      Running running = machinery.ofThread(number);
      if (running != null && !machinery.hasEnded()) {
        return traps.serve(running, cause, value);
      }
      if (machinery.slots().stream().anyMatch(each -> each.thread().id() == number)) {
        return SUSPEND; // its process was removed, or all have ended
      }
      throw new CallFailed.BadRequest(context.path() + " has no thread " + number);
    }
  }

  @Override
  public long load(int number, long address, int width) {
    throw new CallFailed.BadRequest(context.path() + ": a process has no devices in its storage");
  }

  @Override
  public void store(int number, long address, int width, long value) {
    throw new CallFailed.BadRequest(context.path() + ": a process has no devices in its storage");
  }

  // ---- hand-over ----

  @Override
  public State save() {
    synchronized (lock) {
      return life.save(State.of(SCHEMA, VERSION))
          .with("endStatus", machinery.status())
          .with("endReason", machinery.reason())
          .with("served", traps.served)
          .with("unserved", traps.unserved)
          .with("nucleus", NucleusState.save(machinery));
    }
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    synchronized (lock) {
      life.restore(saved);
      traps.served = saved.number("served", 0, Long.MAX_VALUE);
      traps.unserved = saved.number("unserved", 0, traps.served);
      NucleusState.restore(machinery, saved.state("nucleus"));
      int endStatus = (int) saved.number("endStatus", -1, 255);
      if (endStatus >= 0) {
        machinery.end(endStatus, saved.text("endReason"));
      }
    }
  }
}
