package duality.personality.linux;

import duality.kernel.State;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The books of {@link Linux} as a neutral tree, and back. Memory stays in the space {@code memory},
 * registers in the threads; here is which page is whose. Nodes, pipes and open files are numbered
 * by their place in a list.
 */
final class LinuxState {
  private final Linux linux;
  private final Map<Object, Integer> numbers = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final List<Pipe> pipes = new ArrayList<>();
  private final List<OpenFile> files = new ArrayList<>();

  private LinuxState(Linux linux) {
    this.linux = linux;
  }

  static State save(Linux linux) {
    return new LinuxState(linux).save();
  }

  static void restore(Linux linux, State saved) {
    new LinuxState(linux).restore(saved);
  }

  // ---- saving ----

  private State save() {
    number(linux.files().root());
    linux.files().orphans.forEach(this::number);
    List<State> processes = new ArrayList<>();
    linux.processes.values().forEach(each -> processes.add(process(each)));
    List<State> openFiles = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) { // a pipe's end adds its node
      openFiles.add(openFile(files.get(i)));
    }
    List<State> pipeStates = new ArrayList<>();
    for (Pipe each : pipes) {
      pipeStates.add(
          State.of("pipe", 1).with("node", number(each.node())).with("content", each.content()));
    }
    List<State> nodeStates = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) { // a directory adds those in it
      nodeStates.add(node(nodes.get(i)));
    }
    long[] orphans = linux.files().orphans.stream().mapToLong(this::number).toArray();
    long[] free = linux.free().stream().mapToLong(Slot::number).toArray();
    return State.of("linux", 1)
        .with("lastPid", linux.lastPid)
        .with("lastNode", linux.files().lastNumber)
        .with("slots", linux.slots().size())
        .with("free", free)
        .with("memory", linux.memory().save())
        .with("terminal", linux.terminal().save())
        .with("disk", linux.disk().save())
        .with("nodes", nodeStates)
        .with("orphans", orphans)
        .with("pipes", pipeStates)
        .with("files", openFiles)
        .with("processes", processes);
  }

  private int number(Node node) {
    return numbers.computeIfAbsent(
        node,
        key -> {
          nodes.add(node);
          return nodes.size() - 1;
        });
  }

  private int number(Pipe pipe) {
    return numbers.computeIfAbsent(
        pipe,
        key -> {
          pipes.add(pipe);
          return pipes.size() - 1;
        });
  }

  private int number(OpenFile file) {
    return numbers.computeIfAbsent(
        file,
        key -> {
          files.add(file);
          return files.size() - 1;
        });
  }

  private State node(Node node) {
    State common =
        State.of("node", 1)
            .with("kind", node.getClass().getSimpleName())
            .with("number", node.number)
            .with("mode", node.mode)
            .with("links", node.links)
            .with("changed", node.changed);
    return switch (node) {
      case Directory directory -> {
        List<State> entries = new ArrayList<>();
        directory.entries.forEach(
            (name, each) ->
                entries.add(State.of("entry", 1).with("name", name).with("node", number(each))));
        yield common.with("parent", number(directory.parent)).with("entries", entries);
      }
      case RegularFile file -> common.with("size", file.size()).with("frames", file.frames());
      case SymbolicLink link -> common.with("target", link.target);
      case Device device -> common.with("device", device.kind.name()).with("size", device.size());
      case PipeNode pipe -> common;
    };
  }

  private State openFile(OpenFile file) {
    State common = State.of("file", 1).with("flags", file.flags);
    return switch (file) {
      case OpenNode open ->
          common
              .with("kind", "node")
              .with("node", number(open.node()))
              .with("position", open.position);
      case Pipe.End end ->
          common
              .with("kind", "pipe")
              .with("pipe", number(end.pipe()))
              .with("writes", end.forWriting());
      default -> common.with("kind", "terminal").with("node", number(file.node()));
    };
  }

  private State process(Process process) {
    List<State> descriptors = new ArrayList<>();
    process
        .files()
        .all()
        .forEach(
            (number, each) ->
                descriptors.add(
                    State.of("descriptor", 1)
                        .with("number", number)
                        .with("file", number(each.file()))
                        .with("closedByExec", each.closedByExec())));
    return process
        .save()
        .with("directory", number(process.directory))
        .with("descriptors", descriptors)
        .with("space", process.space().save(this::number));
  }

  // ---- restoring ----

  private void restore(State saved) {
    saved.expect("linux", 1);
    linux.memory().restore(saved.state("memory"));
    linux.lastPid = (int) saved.number("lastPid", 1, 32_767);
    linux.files().lastNumber = saved.number("lastNode", 1, Long.MAX_VALUE);
    nodes(saved.states("nodes"));
    if (!(node(0) instanceof Directory root)) {
      throw new State.Refused("linux.nodes: the root is no directory");
    }
    linux.files().root(root);
    for (long each : saved.numbers("orphans")) {
      if (node(each) instanceof RegularFile file) {
        linux.files().orphans.add(file);
      }
    }
    for (State each : saved.states("pipes")) {
      each.expect("pipe", 1);
      if (!(node(each.number("node")) instanceof PipeNode node)) {
        throw new State.Refused("linux.pipes: one has no node");
      }
      Pipe pipe = new Pipe(linux, node);
      pipe.restore(each.bytes("content"));
      pipes.add(pipe);
    }
    for (State each : saved.states("files")) {
      files.add(openFile(each));
    }
    linux.terminal().restore(saved.state("terminal"));
    linux.disk().restore(saved.state("disk"));
    processes(saved);
  }

  private Node node(long number) {
    if (number < 0 || number >= nodes.size()) {
      throw new State.Refused("linux: there is no node " + number);
    }
    return nodes.get((int) number);
  }

  private void nodes(List<State> states) {
    for (State each : states) {
      each.expect("node", 1);
      nodes.add(made(each));
    }
    for (int i = 0; i < nodes.size(); i++) {
      State state = states.get(i);
      Node node = nodes.get(i);
      node.mode = (int) state.number("mode", 0, 0xffff);
      node.links = (int) state.number("links", -1, Integer.MAX_VALUE);
      if (node instanceof Directory directory) {
        if (!(node(state.number("parent")) instanceof Directory parent)) {
          throw new State.Refused("linux.nodes: a parent is no directory");
        }
        directory.parent = parent;
        for (State entry : state.states("entries")) {
          directory.entries.put(entry.text("name"), node(entry.number("node")));
        }
      }
    }
  }

  private Node made(State state) {
    long number = state.number("number", 0, Long.MAX_VALUE);
    long changed = state.number("changed");
    return switch (state.text("kind")) {
      case "Directory" -> new Directory(number, 0, changed);
      case "RegularFile" -> {
        RegularFile file = new RegularFile(number, 0, linux.memory(), changed);
        if (!file.restore(state.number("size", 0, 1L << 40), state.numbers("frames"))) {
          throw new State.Refused("linux.nodes: a file has pages that are not there");
        }
        yield file;
      }
      case "SymbolicLink" -> new SymbolicLink(number, state.text("target"), changed);
      case "PipeNode" -> new PipeNode(number, changed);
      case "Device" -> {
        try {
          Device.Kind kind = Device.Kind.valueOf(state.text("device"));
          yield new Device(number, kind, state.number("size", 0, Long.MAX_VALUE), changed);
        } catch (IllegalArgumentException e) {
          throw new State.Refused("linux.nodes: " + e.getMessage());
        }
      }
      default -> throw new State.Refused("linux.nodes: a " + state.text("kind") + " is no node");
    };
  }

  private OpenFile openFile(State state) {
    state.expect("file", 1);
    int flags = (int) state.number("flags", 0, Integer.MAX_VALUE);
    switch (state.text("kind")) {
      case "pipe" -> {
        long pipe = state.number("pipe", 0, pipes.size() - 1);
        return pipes.get((int) pipe).end(state.flag("writes"), flags & ~OpenFile.ACCESS);
      }
      case "terminal" -> {
        return new TerminalFile(linux.terminal(), node(state.number("node")), flags);
      }
      default -> {
        OpenNode open = new OpenNode(linux, node(state.number("node")), flags);
        open.position = state.number("position", 0, Long.MAX_VALUE);
        return open;
      }
    }
  }

  private void processes(State saved) {
    int slots = (int) saved.number("slots", 1, Linux.MOST_PROCESSES);
    for (int i = 0; i < slots; i++) {
      linux.slot(i);
    }
    for (long each : saved.numbers("free")) {
      if (each < 1 || each >= slots) {
        throw new State.Refused("linux.free: there is no place " + each);
      }
      linux.free().add(linux.slot((int) each));
    }
    List<State> states = saved.states("processes");
    for (State each : states) {
      int pid = (int) each.number("pid", 1, 32_767);
      Slot slot = linux.slot((int) each.number("slot", 0, slots - 1));
      linux.put(pid, slot, each.flag("ended"));
    }
    if (!linux.processes.containsKey(1)) {
      throw new State.Refused("linux.processes: there is no process 1");
    }
    for (State each : states) {
      process(each);
    }
  }

  private void process(State state) {
    Process process = linux.processes.get((int) state.number("pid"));
    if (process == null || !(node(state.number("directory")) instanceof Directory directory)) {
      throw new State.Refused("linux.processes: one has no directory");
    }
    process.directory = directory;
    Process parent = linux.processes.get((int) state.number("parent"));
    process.parent = parent;
    if (parent != null) {
      parent.children.add(process);
    }
    try {
      for (State each : state.states("descriptors")) {
        long file = each.number("file", 0, files.size() - 1);
        process
            .files()
            .put(
                (int) each.number("number", 0, FileTable.MOST - 1),
                files.get((int) file),
                each.flag("closedByExec"));
      }
    } catch (Failed e) {
      throw new State.Refused("linux.processes: descriptors, error " + e.errno());
    }
    process.space().restore(state.state("space"), this::file);
    process.restore(state);
    if (!process.hasEnded()) {
      process.kick(); // whatever it waits for, it asks anew
    }
  }

  private @Nullable RegularFile file(long number) {
    if (number < 0) {
      return null;
    }
    if (node(number) instanceof RegularFile file) {
      return file;
    }
    throw new State.Refused("linux.processes: a mapped file is no file");
  }
}
