package duality.recorder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import duality.kernel.core.Core;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import jdk.jfr.consumer.RecordingStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class RecorderTest {
  /** Fails as it is told to. */
  @Protocol(rank = Protocol.BACKEND, deadlineMillis = 200)
  public interface Fragile {
    void fail();

    void hang() throws InterruptedException;
  }

  private record Serving(CountDownLatch never) implements Fragile, Instance {
    @Override
    public void fail() {
      throw new IllegalStateException("as asked");
    }

    @Override
    public void hang() throws InterruptedException {
      assertTrue(!never.await(100, TimeUnit.SECONDS));
    }

    @Override
    public State save() {
      return State.of("fragile", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 15);
  private final Recorder recorder = new Recorder(core);

  @TempDir private Path folder = Path.of("");

  RecorderTest() {
    core.register("fragile", (context, saved) -> new Serving(new CountDownLatch(1)), Fragile.class);
  }

  @AfterEach
  void close() throws InterruptedException {
    recorder.deactivate();
    core.close();
  }

  private Fragile make(String path) {
    return core.create(path, Fragile.class, Map.of("server", "fragile"), Map.of(), false);
  }

  @Test
  void failuresAreInTheRecording() throws Exception {
    Path file = folder.resolve("duality.jfr");
    CountDownLatch both = new CountDownLatch(2);
    try (RecordingStream seen = new RecordingStream();
        Recording recording = new Recording()) {
      // The stream says when the recorder has committed them; the file is what people get.
      seen.enable("duality.CallGivenUp");
      seen.enable("duality.ServerFailed");
      seen.onEvent("duality.ServerFailed", event -> both.countDown());
      seen.startAsync();
      recording.enable("duality.ServerFailed");
      recording.enable("duality.CallGivenUp");
      recording.start();
      assertThrows(CallFailed.class, make("throws")::fail);
      assertThrows(CallFailed.class, make("hangs")::hang);
      assertTrue(both.await(100, TimeUnit.SECONDS), "two servers failed, and were not recorded");
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> failed = new ArrayList<>();
    List<RecordedEvent> givenUp = new ArrayList<>();
    for (RecordedEvent each : RecordingFile.readAllEvents(file)) {
      switch (each.getEventType().getName()) {
        case "duality.ServerFailed" -> failed.add(each);
        case "duality.CallGivenUp" -> givenUp.add(each);
        default -> {}
      }
    }
    assertEquals(
        List.of("throws", "hangs"),
        failed.stream().map(each -> each.getString("endpoint")).toList());
    assertTrue(failed.getFirst().getString("text").contains("as asked"), failed::toString);
    Duration late =
        Duration.between(
            failed.getFirst().getInstant("happened"), failed.getFirst().getStartTime());
    assertTrue(late.toMillis() >= -1 && late.toMillis() < 100_000, () -> "late by " + late);
    assertEquals(
        List.of("hangs"), givenUp.stream().map(each -> each.getString("endpoint")).toList());
  }
}
