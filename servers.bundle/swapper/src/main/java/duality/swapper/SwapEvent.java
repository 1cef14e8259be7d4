package duality.swapper;

import duality.servers.Swapper;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * A swap as Java Flight Recorder knows it: from the request to the answer, classes loaded before
 * the gates are closed included. Made here and not from the kernel's trace because only the swapper
 * knows when a swap began.
 */
@Name("duality.Swap")
@Label("Swap")
@Category("Duality")
@StackTrace(false)
final class SwapEvent extends Event {
  @Label("Endpoint")
  String endpoint = "";

  @Label("From")
  String from = "";

  @Label("To")
  String to = "";

  @Label("Endpoints")
  int endpoints;

  @Label("Drained calls")
  long drained;

  @Label("Pause")
  @Timespan(Timespan.MICROSECONDS)
  long pause;

  @Label("Drain")
  @Timespan(Timespan.MICROSECONDS)
  long drain;

  @Label("Outcome")
  String outcome = "";

  /** A swap begins; null when nobody records, as making an event would load and start JFR. */
  static @Nullable SwapEvent begun() {
    if (!FlightRecorder.isInitialized()) {
      return null;
    }
    SwapEvent event = new SwapEvent();
    event.begin();
    return event;
  }

  /** It has ended so. */
  static void ended(@Nullable SwapEvent event, Swapper.Swap swap) {
    if (event != null && event.shouldCommit()) {
      event.endpoint = swap.endpoint();
      event.from = swap.from();
      event.to = swap.to();
      event.endpoints = swap.endpoints();
      event.drained = swap.drained();
      event.pause = swap.pauseMicros();
      event.drain = swap.drainMicros();
      event.outcome = swap.outcome();
      event.commit();
    }
  }
}
