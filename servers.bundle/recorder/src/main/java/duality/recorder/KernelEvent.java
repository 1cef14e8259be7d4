package duality.recorder;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timestamp;

/** An event of the kernel's trace as Java Flight Recorder knows it. */
@Category("Duality")
@StackTrace(false) // it would be the recorder's own
abstract class KernelEvent extends Event {
  @Label("Endpoint")
  String endpoint = "";

  @Label("What happened")
  String text = "";

  @Label("Happened")
  @Description("When it happened; the event's own time is when the recorder got hold of it")
  @Timestamp(Timestamp.MILLISECONDS_SINCE_EPOCH)
  long happened;

  @Label("Number in the trace")
  long number;

  /** A server threw, did not answer, or answered nonsense. */
  @Name("duality.ServerFailed")
  @Label("Server Failed")
  static final class ServerFailed extends KernelEvent {}

  /** The watchdog gave a call up. */
  @Name("duality.CallGivenUp")
  @Label("Call Given Up")
  static final class CallGivenUp extends KernelEvent {}

  /** The kernel goes on without a server. */
  @Name("duality.Fallback")
  @Label("Fallback")
  static final class Fallback extends KernelEvent {}
}
