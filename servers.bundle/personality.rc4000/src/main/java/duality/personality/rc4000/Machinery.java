package duality.personality.rc4000;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.processor.HartMode;
import duality.servers.Personality;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What is around the nucleus: the places in which its processes run, their storage, and the
 * external processes {@code console}, {@code clock} and {@code host}.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link NucleusTask}.
 */
final class Machinery implements Nucleus.Runs {
  static final String HOST = "host";

  /** Result of an answer: done. */
  static final long DONE = 1;

  /** Result of an answer: the message makes no sense. */
  static final long REJECTED = 2;

  private final Context context;
  private final MainStorage storage;
  private final Nucleus nucleus;
  private final Clock clock;
  private final Typewriter typewriter;
  private final int mostSlots;
  private final Notification events;
  private final long endedBit;

  private final Map<InternalProcess, Running> running = new HashMap<>();
  private final Map<Integer, Running> byThread = new HashMap<>();

  /** All places that were ever needed, by number. */
  private final List<Slot> slots = new ArrayList<>();

  private final List<Slot> free = new ArrayList<>();

  /** Value of the host's monotonic clock at which the task's was zero. */
  private long startNanos = System.nanoTime();

  private int status = -1;
  private String reason = "";

  // Of threads that are no more:
  private long cpuBefore;
  private long instructionsBefore;

  /**
   * With one process, not running yet.
   *
   * @param endedBit of {@code events}, signalled when the first process has asked for the end
   */
  Machinery(
      Context context,
      Console console,
      MainStorage storage,
      int buffers,
      int processes,
      Notification events,
      long endedBit) {
    this.context = context;
    this.storage = storage;
    this.events = events;
    this.endedBit = endedBit;
    // One that was removed may still be on its way out of its place.
    this.mostSlots = 2 * processes;
    nucleus = new Nucleus(this, "s", storage.pages(), buffers, processes);
    IntFunction<MessageBuffer> buffer =
        number -> number <= nucleus.buffers().size() ? nucleus.buffers().get(number - 1) : null;
    clock = new Clock(this::nanos, buffer, nucleus::answerOf);
    typewriter = new Typewriter(console, storage, buffer, nucleus::answerOf);
    nucleus.external(Typewriter.NAME, typewriter);
    nucleus.external(Clock.NAME, clock);
    nucleus.external(HOST, this::host);
  }

  Nucleus nucleus() {
    return nucleus;
  }

  MainStorage storage() {
    return storage;
  }

  Clock clock() {
    return clock;
  }

  Typewriter typewriter() {
    return typewriter;
  }

  void log(String message) {
    context.log(message);
  }

  // ---- time ----

  /** Nanoseconds since the start. */
  long nanos() {
    return System.nanoTime() - startNanos;
  }

  /** The host's monotonic clock at a time of ours. */
  long hostNanos(long nanos) {
    return startNanos + nanos;
  }

  /** Goes on with a predecessor's time. */
  void nanos(long nanos) {
    startNanos = System.nanoTime() - nanos;
  }

  // ---- places ----

  /** A place by its number, made when it is not there; its space and thread are the endpoint's. */
  Slot slot(int number) {
    while (slots.size() <= number) {
      int next = slots.size();
      String name = next == 0 ? "main" : "process" + next;
      Space space = context.space(name);
      KernelThread thread =
          context.thread(
              name,
              HartMode.USER,
              space,
              context.self(Personality.class),
              context.config("engine", ""));
      slots.add(new Slot(next, space, thread));
    }
    return slots.get(number);
  }

  /** A place that nobody is in; nothing when there is none. It is free until {@link #put}. */
  @Nullable Slot freeSlot() {
    for (Slot each : free) {
      if (each.isAtRest()) {
        return each;
      }
    }
    if (slots.size() >= mostSlots) {
      return null;
    }
    Slot made = slot(slots.size());
    free.add(made);
    return made;
  }

  /** A process gets a place. */
  Running put(InternalProcess process, Slot slot) {
    Running made = new Running(process, slot);
    free.remove(slot);
    running.put(process, made);
    byThread.put(slot.thread().id(), made);
    return made;
  }

  /** How many places there may be. */
  int mostSlots() {
    return mostSlots;
  }

  List<Slot> slots() {
    return slots;
  }

  List<Slot> free() {
    return free;
  }

  /** The process of a thread; nothing when that is none of ours, or its process was removed. */
  @Nullable Running ofThread(int thread) {
    return byThread.get(thread);
  }

  /** How a process runs. */
  Running of(InternalProcess process) {
    Running found = running.get(process);
    if (found == null) {
      throw new IllegalStateException(process + " has no place");
    }
    return found;
  }

  @Override
  public void changed(InternalProcess process) {
    of(process).changed();
  }

  @Override
  public void removed(InternalProcess process) {
    Running gone = of(process);
    running.remove(process);
    byThread.remove(gone.slot.thread().id());
    free.add(gone.slot);
    gone.end();
  }

  long cpuNanos() {
    return cpuBefore + slots.stream().mapToLong(each -> each.thread().cpuNanos()).sum();
  }

  long instructions() {
    return instructionsBefore
        + slots.stream().mapToLong(each -> each.thread().instructions()).sum();
  }

  // ---- the end ----

  /** All processes end. */
  void end(int itsStatus, String itsReason) {
    if (status < 0) {
      status = itsStatus;
      reason = itsReason;
      events.signal(endedBit);
    }
  }

  boolean hasEnded() {
    return status >= 0;
  }

  int status() {
    return status;
  }

  String reason() {
    return reason;
  }

  /** Ends threads and spaces but the first ones. All threads are suspended. */
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
    InternalProcess first = nucleus.first();
    for (InternalProcess each : List.copyOf(nucleus.processes())) {
      if (each != first) {
        running.remove(each);
      }
    }
    slots.removeIf(each -> each.number() != 0);
    free.clear();
    byThread.clear();
    slots.getFirst().space().removeRegion(MainStorage.BASE_PAGE);
  }

  // ---- external processes ----

  /** Words: exit status of the task, 0 to 255. For the first process only. */
  private void host(MessageBuffer message, InternalProcess sender) {
    long wanted = message.words[0]; // before the answer takes its place
    boolean accepted = sender == nucleus.first() && wanted >= 0 && wanted <= 255;
    nucleus.answerOf(message, accepted ? DONE : REJECTED, new long[Nucleus.WORDS]);
    if (accepted) {
      end((int) wanted, "");
    }
  }
}
