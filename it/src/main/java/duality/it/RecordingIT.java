package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.servers.Swapper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Swaps in a recording of Java Flight Recorder, made in the container. */
class RecordingIT {
  @TempDir private Path folder = Path.of("");

  @Test
  void swapsAreInTheRecordingWithTheirPause() throws Exception {
    Swapper swapper = Services.service(Swapper.class);
    // The first ones load classes; on a busy host they may be refused for that.
    swapper.swap("scheduler", "scheduler.roundrobin");
    swapper.swap("scheduler", "scheduler.fair");
    Swapper.Swap there;
    Swapper.Swap back;
    Path file = folder.resolve("swaps.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("duality.Swap");
      recording.start();
      there = swapper.swap("scheduler", "scheduler.roundrobin");
      back = swapper.swap("scheduler", "scheduler.fair");
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> swaps =
        RecordingFile.readAllEvents(file).stream()
            .filter(each -> each.getEventType().getName().equals("duality.Swap"))
            .toList();
    assertEquals(
        List.of("scheduler.roundrobin", "scheduler.fair"),
        swaps.stream().map(each -> each.getString("to")).toList());
    Swapper.Swap[] expected = {there, back};
    for (int i = 0; i < 2; i++) {
      RecordedEvent swap = swaps.get(i);
      assertEquals("scheduler", swap.getString("endpoint"));
      assertEquals("done", swap.getString("outcome"));
      Duration pause = swap.getDuration("pause");
      assertEquals(expected[i].pauseMicros(), pause.toNanos() / 1000);
      assertTrue(
          swap.getDuration().plusMillis(1).compareTo(pause) > 0,
          () -> "the whole takes no less than the pause: " + swap);
    }
  }
}
