package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.AbortPoll;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of servers that do not save. */
@Timeout(300)
class UnsavableTest {
  /** Says what it began with. */
  @Protocol(rank = 60)
  public interface Word {
    String word();
  }

  /** Leaves a checkpoint, and then does something in save. */
  private record Leaving(Runnable inSave) implements Server {
    @Override
    public Instance open(Context context, @Nullable State saved) {
      context.checkpoint(State.of("word", 1).with("word", "kept"));
      return new Saying(saved == null ? "nothing" : saved.text("word"), inSave);
    }
  }

  private record Saying(String word, Runnable inSave) implements Word, Instance {
    @Override
    public State save() {
      inSave.run();
      return State.of("word", 1).with("word", "saved");
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);

  @AfterEach
  void stop() {
    core.close();
  }

  private Word word(String name, Server server) {
    core.register(name, server, Word.class);
    return core.create("w", Word.class, Map.of("server", name), Map.of(), false);
  }

  private void save() {
    try (var hold = core.hold(List.of(core.endpoint("w")), TimeUnit.SECONDS.toNanos(30))) {
      assertTrue(hold.sinceNanos() != 0);
      assertThrows(CallFailed.ServerFailed.class, () -> core.endpoint("w").save());
    }
  }

  @Test
  void whoWantsToEndTheJvmInItsSaveHasFailed() {
    word("exits", new Leaving(() -> AbortPoll.exit(41)));
    save();
    List<FailureReport> failures = core.failures(0);
    assertEquals(1, failures.size());
    assertEquals(FailureReport.Kind.EXCEPTION, failures.getFirst().kind());
    assertTrue(failures.getFirst().reason().contains("System.exit(41)"));
  }

  @Test
  void whoCannotSaveNowServesOn() {
    Word word =
        word(
            "busy",
            new Leaving(
                () -> {
                  throw new IllegalStateException("not at rest");
                }));
    save();
    assertEquals(List.of(), core.failures(0));
    assertEquals("nothing", word.word());
  }

  @Test
  void whoGoesWithoutAStateLeavesItsCheckpoint() {
    Server going =
        new Leaving(
            () -> {
              throw new IllegalStateException("as asked");
            });
    Word word = word("w", going);
    assertEquals("nothing", word.word());
    core.register("w", new Leaving(() -> {}), Word.class);
    core.unregister("w", going);
    assertEquals("kept", word.word());
  }
}
