package duality.personality.linux;

import duality.kernel.State;

/**
 * The signals of a process: which wait, which are blocked, and what is to be done with each
 * (include/uapi/asm-generic/signal.h). {@link Linux} kicks the process when one is posted; it is
 * delivered when the process is on its way back from a trap.
 */
final class Signals {
  static final int INTERRUPT = 2;
  static final int QUIT = 3;
  static final int KILL = 9;
  static final int SEGV = 11;
  static final int PIPE = 13;
  static final int ALARM = 14;
  static final int CHILD = 17;
  static final int CONTINUE = 18;
  static final int STOP = 19;
  static final int TERMINAL_STOP = 20;
  static final int TERMINAL_INPUT = 21;
  static final int MOST = 64;

  static final long DEFAULT = 0;
  static final long IGNORE = 1;

  /** Flags of an action. */
  static final long NO_CHILD_STOP = 1;

  static final long NO_CHILD_WAIT = 2;
  static final long ON_STACK = 0x0800_0000L;
  static final long RESTART = 0x1000_0000L;
  static final long NO_DEFER = 0x4000_0000L;
  static final long RESET = 0x8000_0000L;

  private static final long UNBLOCKABLE = bit(KILL) | bit(STOP);
  private static final long STOPS = bit(STOP) | bit(TERMINAL_STOP) | bit(TERMINAL_INPUT) | bit(22);

  /** What does nothing unless a handler is there: CHLD, CONT, URG, WINCH. */
  private static final long IGNORED = bit(CHILD) | bit(CONTINUE) | bit(23) | bit(28);

  /**
   * What to do with a signal.
   *
   * @param handler address of a handler, {@link #DEFAULT} or {@link #IGNORE}
   * @param flags bits of SA_
   * @param mask signals that are blocked while the handler runs
   */
  record Action(long handler, long flags, long mask) {
    static final Action NONE = new Action(DEFAULT, 0, 0);
  }

  /**
   * Where a signal comes from, for siginfo.
   *
   * @param code si_code
   * @param value process that sent it, or the address of a fault
   * @param status of a child
   */
  record Origin(int code, long value, int status) {
    static final Origin KERNEL = new Origin(0x80, 0, 0);
  }

  private final Runnable kick;
  private final Action[] actions = new Action[MOST + 1];
  private final Origin[] origins = new Origin[MOST + 1];
  private long pending;
  private long blocked;

  /** The mask to go back to after a call that waits with another one; see sigsuspend. */
  private long kept;

  private boolean keeps;

  /** The other stack for handlers: address, size; 0 when there is none. */
  long stack;

  long stackBytes;

  Signals(Runnable kick) {
    this.kick = kick;
    java.util.Arrays.fill(actions, Action.NONE);
    java.util.Arrays.fill(origins, Origin.KERNEL);
  }

  static long bit(int signal) {
    return 1L << signal - 1;
  }

  /** Sends one, from the kernel. */
  void post(int signal) {
    post(signal, Origin.KERNEL);
  }

  /** Sends one; one that is ignored is lost. */
  void post(int signal, Origin origin) {
    if (signal == CONTINUE) {
      pending &= ~STOPS;
    }
    if ((bit(signal) & STOPS) != 0) {
      pending &= ~bit(CONTINUE);
    }
    if (isIgnored(signal) && (blocked & bit(signal)) == 0 && signal != CONTINUE) {
      return;
    }
    pending |= bit(signal);
    origins[signal] = origin;
    kick.run();
  }

  /** Sends one that can be neither blocked nor ignored: an exception of its own. */
  void force(int signal, Origin origin) {
    if ((blocked & bit(signal)) != 0 || actions[signal].handler() == IGNORE) {
      actions[signal] = Action.NONE;
      blocked &= ~bit(signal);
    }
    post(signal, origin);
  }

  /** Whether nothing happens when it comes. */
  boolean isIgnored(int signal) {
    long handler = actions[signal].handler();
    return handler == IGNORE || (handler == DEFAULT && (IGNORED & bit(signal)) != 0);
  }

  /** Whether it stops the process when nobody handles it. */
  static boolean stops(int signal) {
    return (STOPS & bit(signal)) != 0;
  }

  /** Whether one is to be delivered now. */
  boolean deliverable() {
    return (pending & ~blocked) != 0;
  }

  private Action next() {
    return actions[Long.numberOfTrailingZeros(pending & ~blocked) + 1];
  }

  /** Whether the next one to be delivered has a handler. */
  boolean nextIsHandled() {
    return Long.compareUnsigned(next().handler(), IGNORE) > 0;
  }

  /** Whether the next one to be delivered lets an interrupted call begin again. */
  boolean restarts() {
    return (next().flags() & RESTART) != 0;
  }

  /** Takes the next one that is to be delivered. */
  int take() {
    int signal = Long.numberOfTrailingZeros(pending & ~blocked) + 1;
    pending &= ~bit(signal);
    return signal;
  }

  /** Takes one of a set, blocked or not; 0 when none of them waits. */
  int takeOf(long set) {
    long found = pending & set;
    if (found == 0) {
      return 0;
    }
    int signal = Long.numberOfTrailingZeros(found) + 1;
    pending &= ~bit(signal);
    return signal;
  }

  long pending() {
    return pending;
  }

  long blocked() {
    return blocked;
  }

  void blocked(long mask) {
    blocked = mask & ~UNBLOCKABLE;
  }

  /** Blocks others while a call waits. */
  void blockedMeanwhile(long mask) {
    if (!keeps) {
      keeps = true;
      kept = blocked;
      blocked(mask);
    }
  }

  /** The wait is over without a handler. */
  void asBefore() {
    if (keeps) {
      keeps = false;
      blocked = kept;
    }
  }

  /** A handler begins; answers the mask to go back to after it. */
  long enter(int signal, Action action) {
    long before = keeps ? kept : blocked;
    keeps = false;
    blocked(before | action.mask() | ((action.flags() & NO_DEFER) != 0 ? 0 : bit(signal)));
    if ((action.flags() & RESET) != 0) {
      actions[signal] = Action.NONE;
    }
    return before;
  }

  Action action(int signal) {
    return actions[signal];
  }

  Origin origin(int signal) {
    return origins[signal];
  }

  void action(int signal, Action action) {
    actions[signal] = action;
    if (isIgnored(signal)) {
      pending &= ~bit(signal);
    }
  }

  /** A child starts with the same actions and mask, and with nothing waiting. */
  void fork(Signals child) {
    System.arraycopy(actions, 0, child.actions, 0, actions.length);
    child.blocked = blocked;
    child.stack = stack;
    child.stackBytes = stackBytes;
  }

  /** Handlers are not of the new program. */
  void exec() {
    for (int i = 1; i <= MOST; i++) {
      if (actions[i].handler() != IGNORE) {
        actions[i] = Action.NONE;
      }
    }
    asBefore();
    stack = 0;
    stackBytes = 0;
  }

  State save() {
    long[] table = new long[3 * (MOST + 1)];
    for (int i = 0; i <= MOST; i++) {
      table[3 * i] = actions[i].handler();
      table[3 * i + 1] = actions[i].flags();
      table[3 * i + 2] = actions[i].mask();
    }
    return State.of("signals", 1)
        .with("pending", pending)
        .with("blocked", blocked)
        .with("kept", kept)
        .with("keeps", keeps)
        .with("stack", stack)
        .with("stackBytes", stackBytes)
        .with("actions", table);
  }

  void restore(State saved) {
    saved.expect("signals", 1);
    pending = saved.number("pending");
    blocked(saved.number("blocked"));
    kept = saved.number("kept") & ~UNBLOCKABLE;
    keeps = saved.flag("keeps");
    stack = saved.number("stack");
    stackBytes = saved.number("stackBytes");
    long[] table = saved.numbers("actions");
    if (table.length != 3 * (MOST + 1)) {
      throw new State.Refused("signals.actions has " + table.length + " numbers");
    }
    for (int i = 0; i <= MOST; i++) {
      actions[i] = new Action(table[3 * i], table[3 * i + 1], table[3 * i + 2]);
    }
  }
}
