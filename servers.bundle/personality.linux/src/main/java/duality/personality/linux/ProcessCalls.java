package duality.personality.linux;

import duality.kernel.KernelThread;
import duality.kernel.processor.Lines;
import duality.personality.linux.SystemCalls.Arguments;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** fork, exec, exit, wait, and who is whose. */
final class ProcessCalls {
  private static final long CLONE_THREAD = 0x10000;
  private static final long CLONE_VM = 0x100;
  private static final long CLONE_VFORK = 0x4000;
  private static final long CLONE_SETTLS = 0x80000;
  private static final long CLONE_PARENT_SETTID = 0x100000;
  private static final long CLONE_CHILD_SETTID = 0x1000000;
  private static final int ECALL_BYTES = 4;
  private static final int STACK_POINTER = 2;
  private static final int THREAD_POINTER = 4;

  private static final int WAIT_NOHANG = 1;
  private static final int WAIT_STOPPED = 2;
  private static final int WAIT_CONTINUED = 8;

  private static final int MOST_ARGUMENTS = 4096;
  private static final int MOST_ARGUMENT_BYTES = 1 << 20;
  private static final int MOST_INTERPRETERS = 4;

  private final Linux linux;

  ProcessCalls(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(93, "exit", this::exit);
    table.add(94, "exit_group", this::exit);
    table.add(96, "set_tid_address", (caller, a) -> caller.pid);
    table.add(99, "set_robust_list", (caller, a) -> 0);
    table.add(154, "setpgid", this::setGroup);
    table.add(155, "getpgid", (caller, a) -> of(caller, a.number(0)).group);
    table.add(156, "getsid", (caller, a) -> of(caller, a.number(0)).session);
    table.add(157, "setsid", this::setSession);
    table.add(172, "getpid", (caller, a) -> caller.pid);
    table.add(173, "getppid", (caller, a) -> caller.parent == null ? 0 : caller.parent.pid);
    table.add(178, "gettid", (caller, a) -> caller.pid);
    table.add(220, "clone", this::fork);
    table.add(221, "execve", this::exec);
    table.add(260, "wait4", this::await);
  }

  private long exit(Process caller, Arguments a) {
    linux.end(caller, (a.number(0) & 0xff) << 8, "");
    return 0;
  }

  private Process of(Process caller, int pid) throws Failed {
    Process found = pid == 0 ? caller : linux.processes.get(pid);
    if (found == null) {
      throw new Failed(Errno.ESRCH);
    }
    return found;
  }

  private long setGroup(Process caller, Arguments a) throws Failed {
    Process process = of(caller, a.number(0));
    int group = a.number(1) == 0 ? process.pid : a.number(1);
    if (group < 0) {
      return Errno.EINVAL;
    }
    if (process != caller && process.parent != caller) {
      return Errno.ESRCH;
    }
    boolean known =
        group == process.pid
            || linux.processes.values().stream()
                .anyMatch(each -> each.group == group && each.session == caller.session);
    if (!known || process.session != caller.session || process.session == process.pid) {
      return Errno.EPERM;
    }
    process.group = group;
    return 0;
  }

  private long setSession(Process caller, Arguments a) {
    if (linux.processes.values().stream().anyMatch(each -> each.group == caller.pid)) {
      return Errno.EPERM;
    }
    caller.group = caller.pid;
    caller.session = caller.pid;
    return caller.pid;
  }

  /**
   * clone, for processes: the child gets what its parent has, page by page when one of them writes.
   * That is so for vfork, too: the parent does not see what such a child writes.
   */
  private long fork(Process caller, Arguments a) {
    long flags = a.get(0);
    if ((flags & CLONE_THREAD) != 0 || ((flags & CLONE_VM) != 0 && (flags & CLONE_VFORK) == 0)) {
      return Errno.EINVAL;
    }
    Process child = linux.create();
    if (child == null) {
      return Errno.EAGAIN;
    }
    child.parent = caller;
    caller.children.add(child);
    child.group = caller.group;
    child.session = caller.session;
    child.directory = caller.directory;
    child.mask = caller.mask;
    child.name = caller.name;
    child.arguments = caller.arguments;
    child.executable = caller.executable;
    caller.space().fork(child.space());
    caller.files().fork(child.files());
    caller.signals().fork(child.signals());
    KernelThread thread = child.thread();
    thread.restore(caller.thread().save());
    child.listen();
    thread.lines().clear(Lines.SSIP);
    thread.pc(caller.thread().pc() + ECALL_BYTES);
    thread.x(SystemCalls.A0, 0);
    if (a.get(1) != 0) {
      thread.x(STACK_POINTER, a.get(1));
    }
    if ((flags & CLONE_SETTLS) != 0) {
      thread.x(THREAD_POINTER, a.get(3));
    }
    try {
      if ((flags & CLONE_PARENT_SETTID) != 0) {
        caller.memory().writeInt(a.get(2), child.pid);
      }
      if ((flags & CLONE_CHILD_SETTID) != 0) {
        child.memory().writeInt(a.get(4), child.pid);
      }
    } catch (UserMemory.Fault e) {
      // As with Linux: who gives no place for the number does not get it.
    }
    child.setTimer();
    thread.resume();
    return child.pid;
  }

  // ---- exec ----

  private long exec(Process caller, Arguments a) throws Failed {
    String path = caller.memory().readText(a.get(0));
    int[] room = {MOST_ARGUMENT_BYTES};
    List<String> arguments = texts(caller, a.get(1), room);
    List<String> environment = texts(caller, a.get(2), room);
    run(caller, path, arguments, environment);
    return SystemCalls.ELSEWHERE;
  }

  private static List<String> texts(Process caller, long at, int[] room) throws Failed {
    List<String> texts = new ArrayList<>();
    for (long each = at; each != 0; each += 8) {
      long text = caller.memory().readLong(each);
      if (text == 0) {
        break;
      }
      texts.add(caller.memory().readText(text));
      room[0] -= texts.getLast().length() + 1;
      if (texts.size() > MOST_ARGUMENTS || room[0] < 0) {
        throw new Failed(Errno.E2BIG);
      }
    }
    return texts;
  }

  /**
   * Lets a process run another program.
   *
   * @throws Failed why it cannot, with nothing changed
   */
  void run(Process caller, String path, List<String> arguments, List<String> environment)
      throws Failed {
    try {
      load(caller, path, arguments, environment);
    } catch (Elf.Malformed e) {
      linux.log("'" + path + "' cannot be run: " + e.getMessage());
      throw new Failed(Errno.ENOEXEC);
    }
  }

  /** The same, with the reason in words; for the first program. */
  void load(Process caller, String path, List<String> arguments, List<String> environment)
      throws Failed, Elf.Malformed {
    String name = path;
    List<String> given = new ArrayList<>(arguments);
    RegularFile file = executable(caller, name);
    for (int i = 0; isScript(file); i++) {
      if (i == MOST_INTERPRETERS) {
        throw new Failed(Errno.ELOOP);
      }
      List<String> interpreter = interpreter(file);
      if (!given.isEmpty()) {
        given.removeFirst();
      }
      given.addFirst(name);
      given.addAll(0, interpreter);
      name = interpreter.getFirst();
      file = executable(caller, name);
    }
    Elf program = file.program();
    long limit = (long) linux.memory().limit() * MainMemory.PAGE;
    long stackBytes = caller.space().stackBytes();
    ProgramLoader.check(program, stackBytes, limit);
    InitialStack stack =
        InitialStack.of(stackBytes, program, name, given, environment, linux.random());
    // From here on there is no way back.
    caller.space().release();
    linux.files().sweep();
    long stackPointer;
    try {
      ProgramLoader.load(caller.space(), file, program);
      stackPointer = stack.write(caller.space());
    } catch (UserMemory.Fault e) {
      linux.end(caller, Signals.KILL, "there is no memory for '" + path + "'");
      return;
    }
    caller.files().close(false);
    caller.signals().exec();
    caller.executable = absolute(caller, name);
    caller.name = path.substring(path.lastIndexOf('/') + 1);
    caller.arguments = String.join("\0", given) + "\0";
    KernelThread thread = caller.thread();
    for (int i = 1; i < 32; i++) {
      thread.x(i, 0);
    }
    thread.x(STACK_POINTER, stackPointer);
    thread.pc(program.entry());
  }

  private RegularFile executable(Process caller, String path) throws Failed {
    Node node = linux.files().find(caller, caller.directory, path, true).needed();
    if (!(node instanceof RegularFile file) || (node.mode & 0111) == 0) {
      throw new Failed(Errno.EACCES);
    }
    return file;
  }

  private String absolute(Process caller, String path) throws Failed {
    if (path.equals("/proc/self/exe")) {
      return caller.executable;
    }
    return path.startsWith("/") ? path : linux.files().path(caller.directory) + "/" + path;
  }

  private static boolean isScript(RegularFile file) {
    byte[] start = new byte[2];
    return file.read(0, start, 2) == 2 && start[0] == '#' && start[1] == '!';
  }

  /** The interpreter of a script, and what its first line gives it. */
  private static List<String> interpreter(RegularFile file) throws Failed {
    byte[] start = new byte[256];
    int count = file.read(0, start, start.length);
    String line = new String(start, 2, count - 2, StandardCharsets.ISO_8859_1);
    String[] words = line.lines().findFirst().orElse("").strip().split("[ \t]+", 2);
    if (words[0].isEmpty()) {
      throw new Failed(Errno.ENOEXEC);
    }
    return List.of(words);
  }

  // ---- wait ----

  private long await(Process caller, Arguments a) throws Failed {
    int which = a.number(0);
    int options = a.number(2);
    Predicate<Process> wanted =
        child ->
            which == -1
                || (which > 0
                    ? child.pid == which
                    : child.group == (which == 0 ? caller.group : -which));
    boolean any = false;
    for (Process child : List.copyOf(caller.children)) {
      if (!wanted.test(child)) {
        continue;
      }
      any = true;
      if (child.hasEnded()) {
        report(caller, child, a, child.waitStatus());
        linux.bury(child);
        return child.pid;
      }
      if (child.stopUntold && (options & WAIT_STOPPED) != 0) {
        report(caller, child, a, child.stoppedBy() << 8 | 0x7f);
        child.stopUntold = false;
        return child.pid;
      }
      if (child.continueUntold && (options & WAIT_CONTINUED) != 0) {
        report(caller, child, a, 0xffff);
        child.continueUntold = false;
        return child.pid;
      }
    }
    if (!any) {
      return Errno.ECHILD;
    }
    return (options & WAIT_NOHANG) != 0 ? 0 : caller.waitFor(caller);
  }

  private static void report(Process caller, Process child, Arguments a, int status) throws Failed {
    if (a.get(1) != 0) {
      caller.memory().writeInt(a.get(1), status);
    }
    if (a.get(3) != 0) {
      caller.memory().write(a.get(3), usage(child.cpuNanos() + child.childrenCpu));
    }
  }

  /** struct rusage, of which we know the processor time. */
  static ByteBuffer usage(long cpuNanos) {
    ByteBuffer usage = UserMemory.numbers(144);
    usage.putLong(0, cpuNanos / 1_000_000_000);
    usage.putLong(8, cpuNanos % 1_000_000_000 / 1000);
    return usage;
  }
}
