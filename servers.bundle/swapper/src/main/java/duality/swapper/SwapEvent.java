package duality.swapper;

import duality.servers.Swapper;
import java.util.List;
import jdk.jfr.AnnotationElement;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventFactory;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import jdk.jfr.ValueDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * A swap as Java Flight Recorder knows it ({@code duality.Swap}): from the request to the answer,
 * classes loaded before the gates are closed included. Made here and not from the kernel's trace
 * because only the swapper knows when a swap began.
 *
 * <p>Its class comes from {@link EventFactory}: JFR rewrites event classes to use one of the JDK's
 * that is exported to nobody, so a class of our own would not link in an OSGi framework.
 */
final class SwapEvent {
  private static final AnnotationElement MICROS =
      new AnnotationElement(Timespan.class, Timespan.MICROSECONDS);
  private static final List<ValueDescriptor> FIELDS =
      List.of(
          new ValueDescriptor(String.class, "endpoint"),
          new ValueDescriptor(String.class, "from"),
          new ValueDescriptor(String.class, "to"),
          new ValueDescriptor(int.class, "endpoints"),
          new ValueDescriptor(long.class, "drained"),
          new ValueDescriptor(long.class, "pause", List.of(MICROS)),
          new ValueDescriptor(long.class, "drain", List.of(MICROS)),
          new ValueDescriptor(String.class, "outcome"));

  private static @Nullable EventFactory factory;

  private SwapEvent() {}

  /** A swap begins; null when nobody records, as making an event would load and start JFR. */
  static @Nullable Event begun() {
    if (!FlightRecorder.isInitialized()) {
      return null;
    }
    Event event = factory().newEvent();
    event.begin();
    return event;
  }

  private static synchronized EventFactory factory() {
    if (factory == null) {
      factory =
          EventFactory.create(
              List.of(
                  new AnnotationElement(Name.class, "duality.Swap"),
                  new AnnotationElement(Label.class, "Swap"),
                  new AnnotationElement(Category.class, new String[] {"Duality"}),
                  new AnnotationElement(StackTrace.class, false)),
              FIELDS);
    }
    return factory;
  }

  /** It has ended so. */
  static void ended(@Nullable Event event, Swapper.Swap swap) {
    if (event == null || !event.shouldCommit()) {
      return;
    }
    event.set(0, swap.endpoint());
    event.set(1, swap.from());
    event.set(2, swap.to());
    event.set(3, swap.endpoints());
    event.set(4, swap.drained());
    event.set(5, swap.pauseMicros());
    event.set(6, swap.drainMicros());
    event.set(7, swap.outcome());
    event.commit();
  }

  /** The bundle goes: JFR forgets the event. */
  static synchronized void forget() {
    if (factory != null) {
      factory.unregister();
      factory = null;
    }
  }
}
