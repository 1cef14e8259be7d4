package duality.personality.linux;

import duality.personality.linux.Files.Place;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What /proc says: a directory for each process, and a few figures of the whole. Ordinary files in
 * memory, written anew whenever somebody looks for them by name; so an open one keeps saying what
 * it said, and a state has them as it has others.
 *
 * <p>Formats are those of Linux's Documentation/filesystems/proc.rst, as far as ps, top, free and
 * uptime of busybox read them; what is not known here is 0.
 */
final class Proc {
  private static final String NAME = "proc";
  private static final String SELF = "self";
  private static final List<String> FILES = List.of("cmdline", "comm", "stat", "status");
  private static final long NANOS_PER_TICK = 10_000_000;
  private static final int FIGURES = 52;

  // Places in /proc/PID/stat, counted from 1:
  private static final int USER_TICKS = 14;
  private static final int CHILDREN_TICKS = 16;
  private static final int THREADS = 20;
  private static final int VIRTUAL_BYTES = 23;
  private static final int RESIDENT_PAGES = 24;

  private final Linux linux;

  Proc(Linux linux) {
    this.linux = linux;
  }

  /** Somebody looks for a name in a directory: what /proc has there is brought up to date. */
  void look(Process caller, Directory directory, String name) {
    if (!(linux.files().root().entries.get(NAME) instanceof Directory proc)) {
      return;
    }
    try {
      if (directory == proc) {
        if (name.isEmpty() || number(name) > 0) {
          list(proc);
        }
        Supplier<String> content = whole(name);
        if (content != null) {
          write(proc, name, content.get());
        }
      } else if (directory.parent == proc) {
        Process process = owner(proc, directory, caller);
        if (process != null) {
          describe(directory, process, name);
        }
      }
    } catch (Failed e) {
      linux.log("/proc is out of date: error " + e.errno());
    }
  }

  /** Somebody lists a directory. */
  void look(Process caller, Directory directory) {
    look(caller, directory, "");
  }

  private @Nullable Process owner(Directory proc, Directory directory, Process caller) {
    for (Map.Entry<String, Node> each : proc.entries.entrySet()) {
      if (each.getValue() == directory) {
        return each.getKey().equals(SELF) ? caller : linux.processes.get(number(each.getKey()));
      }
    }
    return null;
  }

  private static int number(String name) {
    return name.matches("[1-9][0-9]{0,8}") ? Integer.parseInt(name) : -1;
  }

  /** A directory for each process, and none for those that are no more. */
  private void list(Directory proc) throws Failed {
    for (String name : List.copyOf(proc.entries.keySet())) {
      int pid = number(name);
      if (pid > 0
          && !linux.processes.containsKey(pid)
          && proc.entries.get(name) instanceof Directory gone) {
        for (String file : List.copyOf(gone.entries.keySet())) {
          linux.files().remove(new Place(gone, file, gone.entries.get(file)), false);
        }
        linux.files().remove(new Place(proc, name, gone), true);
      }
    }
    for (int pid : linux.processes.keySet()) {
      String name = Integer.toString(pid);
      if (!proc.entries.containsKey(name)) {
        linux.files().makeDirectory(new Place(proc, name, null), 0555);
      }
    }
  }

  private void write(Directory directory, String name, String text) throws Failed {
    Node there = directory.entries.get(name);
    RegularFile file =
        there instanceof RegularFile known
            ? known
            : linux.files().makeFile(new Place(directory, name, there), 0444);
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    file.resize(0, linux.seconds());
    file.write(0, bytes, bytes.length, linux.seconds());
  }

  // ---- of a process ----

  /** Only what is looked for, because each program asks for its own path here when it starts. */
  private void describe(Directory directory, Process process, String wanted) throws Failed {
    for (String name : wanted.isEmpty() ? FILES : List.of(wanted)) {
      switch (name) {
        case "stat" -> write(directory, name, stat(process));
        case "comm" -> write(directory, name, process.name + "\n");
        case "cmdline" -> write(directory, name, process.hasEnded() ? "" : process.arguments);
        case "status" -> write(directory, name, status(process));
        default -> {} // exe, and what is not there
      }
    }
  }

  private static String condition(Process process) {
    return process.hasEnded() ? "Z" : process.isStopped() ? "T" : process.waits() ? "S" : "R";
  }

  private static int parent(Process process) {
    Process parent = process.parent;
    return parent == null ? 0 : parent.pid;
  }

  private String stat(Process process) {
    List<String> fields = new ArrayList<>();
    fields.add(Integer.toString(process.pid));
    fields.add("(" + process.name + ")");
    fields.add(condition(process));
    fields.add(Integer.toString(parent(process)));
    fields.add(Integer.toString(process.group));
    fields.add(Integer.toString(process.session));
    fields.add(linux.terminal().interactive() ? Long.toString(Device.Kind.TERMINAL.number) : "0");
    fields.add(Integer.toString(linux.terminal().foreground));
    while (fields.size() < FIGURES) {
      fields.add(
          Long.toString(
              switch (fields.size() + 1) {
                case USER_TICKS -> process.cpuNanos() / NANOS_PER_TICK;
                case CHILDREN_TICKS -> process.childrenCpu / NANOS_PER_TICK;
                case THREADS -> 1;
                case VIRTUAL_BYTES -> process.space().virtualPages() * MainMemory.PAGE;
                case RESIDENT_PAGES -> process.space().resident();
                default -> 0;
              }));
    }
    return String.join(" ", fields) + "\n";
  }

  private static String status(Process process) {
    long kib = MainMemory.PAGE / 1024;
    return "Name:\t"
        + process.name
        + "\nState:\t"
        + condition(process)
        + "\nTgid:\t"
        + process.pid
        + "\nPid:\t"
        + process.pid
        + "\nPPid:\t"
        + parent(process)
        + "\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nVmSize:\t"
        + process.space().virtualPages() * kib
        + " kB\nVmRSS:\t"
        + process.space().resident() * kib
        + " kB\nThreads:\t1\n";
  }

  // ---- of the whole ----

  private @Nullable Supplier<String> whole(String name) {
    return switch (name) {
      case "uptime" ->
          () -> {
            double seconds = linux.clock().nanos(TaskClock.MONOTONIC) / 1e9;
            return String.format(Locale.ROOT, "%.2f 0.00\n", seconds);
          };
      case "loadavg" ->
          () ->
              "0.00 0.00 0.00 "
                  + linux.processes.values().stream()
                      .filter(each -> condition(each).equals("R"))
                      .count()
                  + "/"
                  + linux.processes.size()
                  + " "
                  + linux.lastPid
                  + "\n";
      case "meminfo" ->
          () -> {
            long kib = MainMemory.PAGE / 1024;
            long all = linux.memory().limit() * kib;
            long free = all - linux.memory().inUse() * kib;
            return "MemTotal: "
                + all
                + " kB\nMemFree: "
                + free
                + " kB\nMemAvailable: "
                + free
                + " kB\nBuffers: 0 kB\nCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";
          };
      case "mounts" -> () -> "none / tmpfs rw 0 0\n";
      case "stat" ->
          () -> {
            long busy = linux.cpuNanos() / NANOS_PER_TICK;
            long all = linux.clock().nanos(TaskClock.MONOTONIC) / NANOS_PER_TICK;
            String times = " " + busy + " 0 0 " + Math.max(0, all - busy) + " 0 0 0 0 0 0\n";
            return "cpu " + times + "cpu0" + times + "processes " + linux.lastPid + "\n";
          };
      default -> null;
    };
  }
}
