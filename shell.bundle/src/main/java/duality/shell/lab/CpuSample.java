package duality.shell.lab;

import duality.shell.lab.StackSample.Part;
import java.util.EnumMap;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingStream;

/**
 * Where this system's threads spend processor time, by the JVM's own flight recorder: a sample for
 * each few milliseconds that a thread has burnt (JEP 509), wherever it is then. So it leans towards
 * nothing, as {@link StackSample} does. On a host where it cannot count processor time, there are
 * no samples.
 */
final class CpuSample implements AutoCloseable {
  private static final String EVENT = "jdk.CPUTimeSample";
  private static final String PERIOD = "2ms";

  private final RecordingStream stream = new RecordingStream();
  private final Map<Part, Integer> samples = new EnumMap<>(Part.class);
  private int lost;

  /** Begins. */
  CpuSample() {
    stream.enable(EVENT).with("throttle", PERIOD);
    stream.setReuse(true);
    stream.setOrdered(false);
    stream.onEvent(EVENT, this::take);
    stream.startAsync();
  }

  private synchronized void take(RecordedEvent event) {
    RecordedStackTrace stack = event.getStackTrace();
    if (stack == null || stack.getFrames().isEmpty()) {
      lost++;
      return;
    }
    Part part =
        StackSample.part(
            stack.getFrames().stream().filter(RecordedFrame::isJavaFrame).map(CpuSample::type));
    if (part != null) {
      samples.merge(part, 1, Integer::sum);
    }
  }

  private static String type(RecordedFrame frame) {
    return String.valueOf(frame.getMethod().getType().getName());
  }

  /** Ends it, and waits for what was sampled up to now. */
  void stop() {
    boolean unused = stream.stop();
  }

  /** The share of a part in all samples; 0 when there were none. */
  synchronized double share(Part part) {
    int all = all();
    return all == 0 ? 0 : (double) samples.getOrDefault(part, 0) / all;
  }

  /** How many samples were of the system. */
  synchronized int all() {
    return samples.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** How many had no stack. */
  synchronized int lost() {
    return lost;
  }

  @Override
  public void close() {
    stream.close();
  }
}
