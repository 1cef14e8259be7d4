package duality.kernel.core;

import duality.kernel.FailureReport;
import duality.kernel.Notification;
import duality.kernel.Protocol;
import duality.kernel.TraceEvent;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What happens when a server fails: its endpoint refuses or keeps its callers, the failure is
 * remembered, and who mends is told. Mechanism only.
 */
final class Failures {
  private static final int REMEMBERED = 256;
  private static final int FRAMES = 12;
  private static final long SIGNAL = 1;

  private final Core core;
  private final NotificationObject word;
  private final LastResort lastResort;

  // Guarded by this:
  private final Deque<FailureReport> last = new ArrayDeque<>();
  private long number;

  Failures(Core core) {
    this.core = core;
    word = core.newNotification("failures");
    lastResort = new LastResort(core);
  }

  /** The server {@code culprit} behind a gate is broken; no effect when that is known. */
  void server(
      Gate gate,
      @Nullable Object culprit,
      FailureReport.Kind kind,
      String reason,
      StackTraceElement[] where) {
    int inside = gate.inside();
    EndpointObject endpoint = core.endpointMap().get(gate.path);
    if (gate.fail(culprit, reason) && endpoint != null) {
      happened(endpoint, endpoint.registration(), kind, reason, where, inside);
    }
  }

  /** The scheduler is broken. */
  void scheduler(FailureReport.Kind kind, String reason) {
    EndpointObject endpoint = core.endpointMap().get(Scheduling.PATH);
    if (endpoint != null) {
      server(endpoint.gate, endpoint.gate.bound(), kind, reason, new StackTraceElement[0]);
    }
  }

  /** The server of an endpoint went away and nobody has taken over yet. */
  void vacated(EndpointObject endpoint, @Nullable Registration server, String reason) {
    happened(endpoint, server, FailureReport.Kind.GONE, reason, new StackTraceElement[0], 0);
  }

  private void happened(
      EndpointObject endpoint,
      @Nullable Registration server,
      FailureReport.Kind kind,
      String reason,
      StackTraceElement[] where,
      int inside) {
    synchronized (this) {
      last.add(
          new FailureReport(
              ++number,
              endpoint.path(),
              server == null ? "" : server.name(),
              server == null ? "" : server.bundle(),
              kind,
              reason,
              Arrays.stream(where).limit(FRAMES).map(StackTraceElement::toString).toList(),
              inside,
              Instant.now(),
              System.nanoTime()));
      if (last.size() > REMEMBERED) {
        last.remove();
      }
    }
    core.trace(
        TraceEvent.Kind.FAILED,
        endpoint.path(),
        endpoint.path()
            + (kind == FailureReport.Kind.GONE ? " is vacant: " : " failed: ")
            + reason
            + (where.length > 0 ? " at " + where[0] : ""));
    word.signal(SIGNAL);
    lastResort.failed(endpoint);
  }

  synchronized List<FailureReport> after(long seen) {
    return last.stream().filter(each -> each.number() > seen).toList();
  }

  /** Who holds the authority over the kernel at {@code holder} mends from now on. */
  Notification supervise(String holder, BooleanSupplier alive) {
    lastResort.supervisor(holder, alive);
    EndpointObject endpoint = core.endpointMap().get(holder);
    return Notification.class.cast(
        core.capability(word, endpoint == null ? null : endpoint.ledger));
  }

  /** Whether somebody mends what failed; the scheduler has its own fallback at once. */
  boolean mends(Gate gate) {
    return gate.rank != Protocol.SCHEDULER && lastResort.supervised();
  }

  /**
   * A call or a worker's round is inside for too long.
   *
   * @param nanos how long it was given
   */
  void late(CallSlot slot, Gate gate, int level, CallSlot.Visit visit, long nanos) {
    boolean call = slot.isCall(level);
    String why =
        gate.path + " did not answer within " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms";
    StackTraceElement[] where = slot.host.getStackTrace();
    Object culprit = gate.bound();
    if (!slot.visit(level).equals(visit)) {
      return; // it came back just now, and who is bound may be another one already
    }
    gate.shut(culprit); // the call may end at its next poll, its caller must find the gate closed
    gate.hung(culprit); // before a drain ends because of this: it is not to be asked for its state
    slot.abandon(level, visit);
    core.trace(
        TraceEvent.Kind.GIVEN_UP,
        gate.path,
        slot.host.getName() + " is given up: a call to " + why);
    server(
        gate,
        culprit,
        call ? FailureReport.Kind.DEADLINE : FailureReport.Kind.STALL,
        (call ? "a call " : "a worker: ") + why,
        where);
    loseProcessor(slot, level, visit, why);
  }

  /** Gives up all calls and workers inside; answers how many. */
  int abandonInside(Gate gate) {
    CallSlot own = CallSlot.current();
    Object culprit = gate.bound();
    int abandoned = 0;
    for (CallSlot slot : CallSlot.ALL) {
      for (int level = 1; slot != own && level <= CallSlot.DEPTH; level++) {
        CallSlot.Visit visit = slot.visit(level);
        if (visit.mark() == gate.mark && !slot.isAbandoned(level)) {
          gate.hung(culprit);
          slot.abandon(level, visit);
          loseProcessor(slot, level, visit, gate.path + " was given up with all inside");
          abandoned++;
        }
      }
    }
    return abandoned;
  }

  private void loseProcessor(CallSlot slot, int level, CallSlot.Visit visit, String why) {
    core.processors().giveUp(slot.host, () -> slot.visit(level).equals(visit), why);
  }
}
