package duality.personality.rc4000;

import duality.kernel.State;
import duality.personality.rc4000.InternalProcess.Waiting;
import duality.personality.rc4000.MessageBuffer.Stage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The books of {@link Machinery} as a neutral tree, and back. Storage stays in the space {@code
 * memory}, registers in the threads. Processes are named, buffers numbered.
 */
final class NucleusState {
  private static final String SCHEMA = "nucleus";

  /** Since 2 with those that read from the console. */
  private static final int VERSION = 2;

  private final Machinery machinery;
  private final Nucleus nucleus;

  private NucleusState(Machinery machinery) {
    this.machinery = machinery;
    this.nucleus = machinery.nucleus();
  }

  static State save(Machinery machinery) {
    return new NucleusState(machinery).save();
  }

  static void restore(Machinery machinery, State saved) {
    new NucleusState(machinery).restore(saved);
  }

  // ---- saving ----

  private State save() {
    List<State> processes = new ArrayList<>();
    if (!machinery.hasEnded()) {
      nucleus.processes().forEach(each -> processes.add(process(each)));
    }
    List<State> buffers = new ArrayList<>();
    for (MessageBuffer each : nucleus.buffers()) {
      buffers.add(
          State.of("buffer", 1)
              .with("stage", each.stage.name())
              .with("sender", name(each.sender))
              .with("receiver", name(each.receiver))
              .with("charged", name(each.charged))
              .with("result", each.result)
              .with("words", each.words));
    }
    return State.of(SCHEMA, VERSION)
        .with("nanos", machinery.nanos())
        .with("slots", machinery.slots().size())
        .with("free", machinery.free().stream().mapToLong(Slot::number).toArray())
        .with("processes", processes)
        .with("buffers", buffers)
        .with("pool", nucleus.pool().stream().mapToLong(each -> each.number).toArray())
        .with("clock", machinery.clock().save())
        .with("typewriter", machinery.typewriter().save());
  }

  private static long name(@Nullable InternalProcess process) {
    return process == null ? 0 : process.name;
  }

  private State process(InternalProcess process) {
    Running running = machinery.of(process);
    return State.of("process", 1)
        .with("name", process.name)
        .with("parent", name(process.parent))
        .with("firstPage", process.firstPage)
        .with("pages", process.pages)
        .with("quota", process.quota)
        .with("stopped", process.stopped)
        .with("waiting", process.waiting.name())
        .with("awaited", process.awaited)
        .with("queue", process.queue.stream().mapToLong(each -> each.number).toArray())
        .with("slot", running.slot.number())
        .with("launched", running.launched)
        .with("timeOffsetNanos", running.timeOffsetNanos());
  }

  // ---- restoring ----

  private void restore(State saved) {
    int version = saved.expect(SCHEMA, VERSION);
    machinery.nanos(saved.number("nanos", 0, Long.MAX_VALUE));
    long slots = saved.number("slots", 1, machinery.mostSlots());
    machinery.slot((int) slots - 1);
    List<State> states = saved.states("processes");
    for (State each : states) {
      process(each, slots);
    }
    for (long each : saved.numbers("free")) {
      if (each < 0 || each >= slots) {
        throw new State.Refused("nucleus.free: there is no place " + each);
      }
      machinery.free().add(machinery.slot((int) each));
    }
    if (states.isEmpty()) {
      return; // it has ended
    }
    buffers(saved);
    for (State each : states) {
      queue(each);
    }
    machinery.clock().restore(saved.state("clock"));
    if (version > 1) {
      machinery.typewriter().restore(saved.state("typewriter"));
    }
    try {
      nucleus.check();
    } catch (IllegalStateException e) {
      throw new State.Refused("nucleus: " + e.getMessage());
    }
    nucleus.processes().stream()
        .map(machinery::of)
        .filter(each -> each.launched)
        .forEach(Running::kick); // whatever it waits for, it asks anew
  }

  private void process(State state, long slots) {
    state.expect("process", 1);
    long name = state.number("name");
    InternalProcess parent = nucleus.process(state.number("parent"));
    InternalProcess process = nucleus.first();
    if (name != process.name || parent != null) {
      if (parent == null || !Names.isName(name) || nucleus.process(name) != null) {
        throw new State.Refused("nucleus.processes: " + Names.text(name) + " cannot be there");
      }
      long pages = state.number("pages", 1, parent.pages);
      long first =
          state.number("firstPage", parent.firstPage, parent.firstPage + parent.pages - pages);
      process = new InternalProcess(name, parent, first, pages, 0);
      nucleus.put(process);
    }
    process.quota = (int) state.number("quota", 0, nucleus.buffers().size());
    process.stopped = state.flag("stopped");
    process.awaited = (int) state.number("awaited", 0, nucleus.buffers().size());
    try {
      process.waiting = Waiting.valueOf(state.text("waiting"));
    } catch (IllegalArgumentException e) {
      throw new State.Refused("nucleus.processes: " + e.getMessage());
    }
    machinery
        .put(process, machinery.slot((int) state.number("slot", 0, slots - 1)))
        .resumed(state.number("timeOffsetNanos"), state.flag("launched"));
  }

  private void buffers(State saved) {
    List<State> states = saved.states("buffers");
    if (states.size() != nucleus.buffers().size()) {
      throw new State.Refused(
          "nucleus.buffers: "
              + states.size()
              + " where the configuration says "
              + nucleus.buffers().size());
    }
    for (int i = 0; i < states.size(); i++) {
      State state = states.get(i);
      MessageBuffer buffer = nucleus.buffers().get(i);
      state.expect("buffer", 1);
      long[] words = state.numbers("words");
      if (words.length != Nucleus.WORDS) {
        throw new State.Refused("nucleus.buffers: one has " + words.length + " words");
      }
      System.arraycopy(words, 0, buffer.words, 0, Nucleus.WORDS);
      buffer.result = state.number("result", 0, Nucleus.MOST_RESULT);
      buffer.sender = nucleus.process(state.number("sender"));
      buffer.receiver = nucleus.process(state.number("receiver"));
      buffer.charged = nucleus.process(state.number("charged"));
      try {
        buffer.stage = Stage.valueOf(state.text("stage"));
      } catch (IllegalArgumentException e) {
        throw new State.Refused("nucleus.buffers: " + e.getMessage());
      }
      if ((buffer.stage == Stage.FREE) != (buffer.charged == null)
          || (buffer.stage == Stage.SENT && buffer.receiver == null)) {
        throw new State.Refused("nucleus.buffers: " + buffer + " cannot be");
      }
    }
    List<MessageBuffer> free = new ArrayList<>();
    for (long each : saved.numbers("pool")) {
      MessageBuffer buffer = buffer(each);
      if (buffer.stage != Stage.FREE || free.contains(buffer)) {
        throw new State.Refused("nucleus.pool: " + buffer + " is not free, or twice");
      }
      free.add(buffer);
    }
    nucleus.pool(free);
  }

  private MessageBuffer buffer(long number) {
    if (number < 1 || number > nucleus.buffers().size()) {
      throw new State.Refused("nucleus: there is no buffer " + number);
    }
    return nucleus.buffers().get((int) number - 1);
  }

  private void queue(State state) {
    InternalProcess process = nucleus.process(state.number("name"));
    if (process != null) {
      for (long each : state.numbers("queue")) {
        process.queue.add(buffer(each));
      }
    }
  }
}
