package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Protocol;
import duality.kernel.State;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A null in the place of an answer is the failure of who gave it. */
class NullAnswerTest {
  /** Says something, or nothing. */
  @Protocol(rank = 60)
  public interface Speaker {
    String say(String what);

    Notification lend(boolean something);

    void quiet();
  }

  private static final class Speaking implements Speaker, Instance {
    private final Notification word;

    Speaking(Notification word) {
      this.word = word;
    }

    @Override
    @SuppressWarnings("NullAway") // what this is about
    public String say(String what) {
      return what.isEmpty() ? null : what;
    }

    @Override
    @SuppressWarnings("NullAway")
    public Notification lend(boolean something) {
      return something ? word : null;
    }

    @Override
    public void quiet() {}

    @Override
    public State save() {
      return State.of("speaker", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);
  private final Speaker speaker;

  NullAnswerTest() {
    core.register(
        "speaking", (context, saved) -> new Speaking(context.notification("word")), Speaker.class);
    speaker = core.create("speaker", Speaker.class, Map.of("server", "speaking"), Map.of(), false);
  }

  @AfterEach
  void close() {
    core.close();
  }

  @Test
  void anAnswerIsAnAnswer() {
    speaker.quiet();
    assertEquals("word", speaker.say("word"));
    speaker.lend(true).signal(2);
    assertEquals("open", core.endpoint("speaker").report().condition());
  }

  @Test
  void nothingFailsTheServerAtOnce() {
    CallFailed failed = assertThrows(CallFailed.ServerFailed.class, () -> speaker.say(""));
    assertTrue(String.valueOf(failed.getMessage()).contains("say answered null"), failed::toString);
    FailureReport report = core.failures(0).getLast();
    assertEquals("speaker", report.path());
    assertEquals(FailureReport.Kind.EXCEPTION, report.kind());
    assertThrows(CallFailed.ServerFailed.class, () -> speaker.say("it is not asked any more"));
  }

  @Test
  void noCapabilityIsNothingToo() {
    assertThrows(CallFailed.ServerFailed.class, () -> speaker.lend(false));
    assertEquals("speaker", core.failures(0).getLast().path());
  }
}
