package duality.personality.linux;

import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.kernel.processor.Lines;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A process of one thread. */
final class Process {
  /** What a process waits for that wakes up whatever happens, as poll does. */
  static final Object ANYTHING = new Object();

  private static final int SIE = 0x104;
  private static final int STIMECMP = 0x14d;
  private static final long NANOS_PER_TICK = 100;

  final int pid;
  final Slot slot;
  private final AddressSpace space;
  private final FileTable files = new FileTable();
  private final Signals signals;
  private final Notification lines;

  /** Nothing: it is the first one. */
  @Nullable Process parent;

  final List<Process> children = new ArrayList<>();
  int group;
  int session;
  Directory directory;
  int mask = 022;

  /** The file that it runs, and its name in lists. */
  String executable = "";

  String name = "";

  /** What it was run with, each text ended by the character 0. */
  String arguments = "";

  /** Host clock value at which the thread's counter {@code time} was zero. */
  private long timeOffsetNanos;

  // How it ended:
  private boolean ended;
  private int waitStatus;
  private String reason = "";
  private long cpuAtEnd;

  /** What its last exception was, in words. */
  String fault = "";

  // What it waits for:
  private @Nullable Object waitsFor;

  /** Until when the call that waits does so, of the host's clock; 0: it has not said so. */
  private long deadline;

  private boolean stopped;
  private int stoppedBy;

  /** Whether the parent has not been told yet that it stopped, or went on. */
  boolean stopUntold;

  boolean continueUntold;

  /** When SIGALRM comes, of the host's clock; 0: never. */
  long alarmAt;

  /** Interval of further ones, in nanoseconds. */
  long alarmInterval;

  /** Processor time of the thread before this process had it, and of children that were waited. */
  long cpuBefore;

  long childrenCpu;

  Process(int pid, Slot slot, MainMemory memory, Directory directory) {
    this.pid = pid;
    this.slot = slot;
    this.space = new AddressSpace(slot.space(), memory);
    this.lines = slot.thread().lines();
    this.signals = new Signals(this::kick);
    this.directory = directory;
    this.group = pid;
    this.session = pid;
    this.cpuBefore = slot.thread().cpuNanos();
  }

  KernelThread thread() {
    return slot.thread();
  }

  AddressSpace space() {
    return space;
  }

  UserMemory memory() {
    return space.memory();
  }

  FileTable files() {
    return files;
  }

  Signals signals() {
    return signals;
  }

  /** Lets the thread leave the engine for our kicks and for its timer; it is at rest. */
  void listen() {
    timeOffsetNanos = thread().save().timeOffsetNanos();
    thread().csr(SIE, Lines.SSIP | Lines.STIP);
  }

  /** Makes it come to us from wherever it is. */
  void kick() {
    lines.signal(Lines.SSIP);
  }

  /** A kick or its timer brought it: both are over. */
  void kicked() {
    lines.clear(Lines.SSIP);
    thread().csr(STIMECMP, -1);
  }

  /** Sets the timer to what comes first. */
  void setTimer() {
    long at = deadline == 0 ? alarmAt : alarmAt == 0 ? deadline : Math.min(deadline, alarmAt);
    // Rounded up, and by one more: it must not come before its time.
    thread().csr(STIMECMP, at == 0 ? -1 : Math.max(1, (at - timeOffsetNanos) / NANOS_PER_TICK + 2));
  }

  // ---- waiting ----

  /** The call that is being served has to wait for that. */
  long waitFor(Object what) {
    waitsFor = what;
    return SystemCalls.BLOCKED;
  }

  /**
   * The same, for at most so many nanoseconds from its first time on.
   *
   * @param nanos negative: for ever
   * @return {@link SystemCalls#BLOCKED}, or 0 when the time is up
   */
  long waitFor(Object what, long nanos) {
    if (nanos >= 0) {
      if (deadline == 0) {
        // Long.MAX_VALUE / 2 is 146 years.
        deadline = System.nanoTime() + Math.min(nanos, Long.MAX_VALUE / 2);
        deadline = deadline == 0 ? 1 : deadline;
      }
      if (left() <= 0) {
        return 0;
      }
    }
    return waitFor(what);
  }

  /** Nanoseconds until the time of the call that waits is up. */
  long left() {
    return deadline == 0 ? 0 : deadline - System.nanoTime();
  }

  boolean waits() {
    return waitsFor != null;
  }

  boolean waitsFor(Object what) {
    return waitsFor == what || waitsFor == ANYTHING;
  }

  /** Its call is finished. */
  void waitsNoMore() {
    waitsFor = null;
    if (deadline != 0) {
      deadline = 0;
      if (alarmAt != 0) {
        setTimer();
      }
    }
  }

  // ---- life ----

  boolean isStopped() {
    return stopped;
  }

  int stoppedBy() {
    return stoppedBy;
  }

  void stop(int signal) {
    stopped = true;
    stoppedBy = signal;
    stopUntold = true;
    continueUntold = false;
  }

  void goOn() {
    if (stopped) {
      stopped = false;
      stopUntold = false;
      continueUntold = true;
    }
  }

  boolean hasEnded() {
    return ended;
  }

  /** Notes its end; what it had is given back by {@link Linux}. */
  void end(int status, String why) {
    ended = true;
    waitStatus = status;
    reason = why;
    stopped = false;
    waitsFor = null;
    cpuAtEnd = thread().cpuNanos() - cpuBefore;
  }

  /** As wait gives it: exit status shifted by 8, or the signal that ended it. */
  int waitStatus() {
    return waitStatus;
  }

  String reason() {
    return reason;
  }

  /** Processor time in nanoseconds. */
  long cpuNanos() {
    return ended ? cpuAtEnd : thread().cpuNanos() - cpuBefore;
  }

  /** What is here, for a state; without what {@link LinuxState} adds. */
  State save() {
    return State.of("process", 1)
        .with("pid", pid)
        .with("slot", slot.number())
        .with("parent", parent == null ? 0 : parent.pid)
        .with("group", group)
        .with("session", session)
        .with("mask", mask)
        .with("executable", executable)
        .with("name", name)
        .with("arguments", arguments)
        .with("timeOffsetNanos", timeOffsetNanos)
        .with("ended", ended)
        .with("waitStatus", waitStatus)
        .with("reason", reason)
        .with("cpuAtEnd", cpuAtEnd)
        .with("cpuBefore", cpuBefore)
        .with("childrenCpu", childrenCpu)
        .with("waits", waitsFor != null)
        .with("deadline", deadline)
        .with("stopped", stopped)
        .with("stoppedBy", stoppedBy)
        .with("stopUntold", stopUntold)
        .with("continueUntold", continueUntold)
        .with("alarmAt", alarmAt)
        .with("alarmInterval", alarmInterval)
        .with("signals", signals.save());
  }

  /** Takes over what a predecessor knew. */
  void restore(State saved) {
    saved.expect("process", 1);
    group = (int) saved.number("group", 0, Integer.MAX_VALUE);
    session = (int) saved.number("session", 0, Integer.MAX_VALUE);
    mask = (int) saved.number("mask", 0, 0777);
    executable = saved.text("executable");
    name = saved.text("name");
    // States of before this was noted have none: lists show the name then.
    arguments = saved.has("arguments") ? saved.text("arguments") : "";
    timeOffsetNanos = saved.number("timeOffsetNanos");
    ended = saved.flag("ended");
    waitStatus = (int) saved.number("waitStatus", 0, 0xffff);
    reason = saved.text("reason");
    cpuAtEnd = saved.number("cpuAtEnd");
    cpuBefore = saved.number("cpuBefore");
    childrenCpu = saved.number("childrenCpu");
    waitsFor = saved.flag("waits") ? ANYTHING : null;
    deadline = saved.number("deadline");
    stopped = saved.flag("stopped");
    stoppedBy = (int) saved.number("stoppedBy", 0, Signals.MOST);
    stopUntold = saved.flag("stopUntold");
    continueUntold = saved.flag("continueUntold");
    alarmAt = saved.number("alarmAt");
    alarmInterval = saved.number("alarmInterval", 0, Long.MAX_VALUE);
    signals.restore(saved.state("signals"));
  }
}
