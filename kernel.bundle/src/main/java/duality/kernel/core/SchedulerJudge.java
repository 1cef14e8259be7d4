package duality.kernel.core;

import duality.kernel.FailureReport.Kind;
import duality.kernel.core.ThreadObject.Doing;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Watches whether the scheduler schedules. Asked at each tick of the watchdog; it counts ticks, not
 * time, so that a host that held everything up is not the scheduler's fault.
 *
 * <p>Three things are against the rules: to answer NOBODY for 20 ms while a thread can run; to pick
 * for 20 ms only what cannot run; to pass over a thread for a second, and 60 ms more for each other
 * one that can run. What was answered before it was told of the thread is no evidence, and while a
 * processor has an answer that it has not acted on, because its host does not run, nobody is
 * judged. A scheduler that throws, that picks what never was or that gives a slice of 0 is found
 * where it does so, one that does not return by the watchdog.
 */
final class SchedulerJudge {
  private static final long STANDSTILL_TICKS = ticks(20);
  private static final long STARVED_TICKS = ticks(1_000);
  private static final long TICKS_PER_OTHER = ticks(60);

  /** Answers that must have come meanwhile, so that it is not the processors that did not ask. */
  private static final long EVIDENCE = 3;

  private static final long MUCH_NONSENSE = 50;

  private final Core core;
  private final Processors.Token[] tokens;
  private final Scheduling scheduling;

  /** Ticks in a row at which a processor was seen with much nonsense; by processor. */
  private final long[] nonsenseTicks;

  // Since when nothing was picked that could run:
  private long lastChosen;
  private long nobodiesThen;
  private long ticksStill;

  private @Nullable Object judged;

  /** What processors had asked at the last tick; by processor. */
  private final long[] asksThen;

  SchedulerJudge(Core core, Processors processors, Scheduling scheduling) {
    this.core = core;
    this.tokens = processors.tokens();
    this.scheduling = scheduling;
    nonsenseTicks = new long[tokens.length];
    asksThen = new long[tokens.length];
  }

  private static long ticks(long millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis) / Watchdog.TICK_NANOS;
  }

  void tick() {
    Object informed = scheduling.informed();
    if (informed == null || informed != judged) {
      judged = informed;
      lastChosen = -1;
      return;
    }
    boolean hostsRun = hostsRun();
    long chosen = 0;
    long nobodies = 0;
    for (Processors.Token token : tokens) {
      chosen += token.chosen;
      nobodies += token.nobodies;
      if (token.nonsense < MUCH_NONSENSE) {
        nonsenseTicks[token.number] = 0;
      } else if (++nonsenseTicks[token.number] >= STANDSTILL_TICKS) {
        nonsenseTicks[token.number] = 0;
        scheduling.broken(
            Kind.NONSENSE,
            "for 20 ms it picked for processor " + token.number + " only what cannot run");
        return;
      }
    }
    if (chosen != lastChosen) {
      lastChosen = chosen;
      nobodiesThen = nobodies;
      ticksStill = 0;
    } else {
      ticksStill++;
    }
    long ready = 0;
    ThreadObject longest = null;
    for (ThreadObject thread : core.allThreads()) {
      if (isQueued(thread, chosen, nobodies)) {
        ready++;
        if (longest == null || thread.ticksQueued > longest.ticksQueued) {
          longest = thread;
        }
      }
    }
    if (longest != null && hostsRun) {
      judge(longest, ready, chosen, nobodies);
    }
  }

  /** Whether no processor is where it was at the last tick: between an answer and its effect. */
  private boolean hostsRun() {
    boolean all = true;
    for (Processors.Token token : tokens) {
      long asks = token.asks;
      all &= (asks & 1) == 0 || asks != asksThen[token.number];
      asksThen[token.number] = asks;
    }
    return all;
  }

  /** Whether it waits for being picked; counts the ticks. */
  private static boolean isQueued(ThreadObject thread, long chosen, long nobodies) {
    long queuedAt = thread.queuedAt;
    if (queuedAt == 0 || thread.doing() != Doing.READY) {
      thread.seenQueuedAt = 0;
      return false;
    }
    if (queuedAt != thread.seenQueuedAt) {
      thread.seenQueuedAt = queuedAt;
      thread.ticksQueued = 0;
      thread.chosenBefore = chosen;
      thread.nobodiesBefore = nobodies;
    } else {
      thread.ticksQueued++;
    }
    return true;
  }

  private void judge(ThreadObject longest, long ready, long chosen, long nobodies) {
    long others = chosen - longest.chosenBefore;
    if (Math.min(ticksStill, longest.ticksQueued) >= STANDSTILL_TICKS
        && nobodies - Math.max(nobodiesThen, longest.nobodiesBefore) >= EVIDENCE) {
      scheduling.broken(
          Kind.STALL, "for 20 ms it picked nobody, though " + longest.name + " could run");
    } else if (longest.ticksQueued >= STARVED_TICKS + (ready - 1) * TICKS_PER_OTHER
        && others >= EVIDENCE) {
      scheduling.broken(
          Kind.STALL,
          "it starved "
              + longest.name
              + ": not picked for "
              + TimeUnit.NANOSECONDS.toMillis(longest.ticksQueued * Watchdog.TICK_NANOS)
              + " ms, while others were "
              + others
              + " times");
    } else if (longest.ticksQueued >= 1) {
      for (Processors.Token token : tokens) {
        Processors.look(token);
      }
    }
  }
}
