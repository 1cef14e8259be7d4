package duality.recorder;

import duality.kernel.TraceEvent;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.AnnotationElement;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.EventFactory;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timestamp;
import jdk.jfr.ValueDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * Events of the kernel's trace as Java Flight Recorder knows them.
 *
 * <p>Their classes come from {@link EventFactory}: JFR rewrites event classes to use one of the
 * JDK's that is exported to nobody, so classes of our own would not link in an OSGi framework.
 */
final class KernelEvents {
  private static final List<ValueDescriptor> FIELDS =
      List.of(
          new ValueDescriptor(String.class, "endpoint"),
          new ValueDescriptor(String.class, "text"),
          new ValueDescriptor(
              long.class,
              "happened",
              List.of(
                  new AnnotationElement(Timestamp.class, Timestamp.MILLISECONDS_SINCE_EPOCH),
                  new AnnotationElement(
                      Description.class,
                      "When it happened; the event's own time is when the recorder had it"))),
          new ValueDescriptor(long.class, "number"));

  private final Map<TraceEvent.Kind, EventFactory> factories = new EnumMap<>(TraceEvent.Kind.class);

  /** Commits an event, when it is of a kind that is recorded. */
  void commit(TraceEvent traced) {
    String name = name(traced.kind());
    if (name == null) {
      return;
    }
    Event event = factories.computeIfAbsent(traced.kind(), kind -> factory(name)).newEvent();
    if (event.isEnabled()) {
      event.set(0, traced.endpoint());
      event.set(1, traced.text());
      event.set(2, traced.time().toEpochMilli());
      event.set(3, traced.number());
      event.commit();
    }
  }

  private static @Nullable String name(TraceEvent.Kind kind) {
    return switch (kind) {
      case FAILED -> "ServerFailed";
      case GIVEN_UP -> "CallGivenUp";
      case FALLBACK -> "Fallback";
      case NOTE -> null;
    };
  }

  private static EventFactory factory(String name) {
    return EventFactory.create(
        List.of(
            new AnnotationElement(Name.class, "duality." + name),
            new AnnotationElement(Label.class, name.replaceAll("(?<=[a-z])(?=[A-Z])", " ")),
            new AnnotationElement(Category.class, new String[] {"Duality"}),
            // It would be the recorder's own.
            new AnnotationElement(StackTrace.class, false)),
        FIELDS);
  }

  /** JFR forgets the events. */
  void forget() {
    factories.values().forEach(EventFactory::unregister);
    factories.clear();
  }
}
