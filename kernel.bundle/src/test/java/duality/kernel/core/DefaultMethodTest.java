package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** What a server may leave out of a protocol is asked of it all the same. */
class DefaultMethodTest {
  /** Counts, and says more if it can. */
  @Protocol(rank = 60)
  public interface Counter {
    int count();

    default int more(int by) {
      return -by;
    }
  }

  private static class Plain implements Counter, Instance {
    int count;

    @Override
    public int count() {
      return count;
    }

    @Override
    public State save() {
      return State.of("counter", 1);
    }
  }

  private static final class Able extends Plain {
    @Override
    public int more(int by) {
      if (by == 0) {
        throw new CallFailed.BadRequest("nothing is not more");
      }
      count += by;
      return count;
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);

  private Counter counter(String server) {
    return core.create("counter", Counter.class, Map.of("server", server), Map.of(), false);
  }

  @AfterEach
  void close() {
    core.close();
  }

  @Test
  void whoHasItIsCalled() {
    core.register("able", (context, saved) -> new Able(), Counter.class);
    Counter counter = counter("able");
    assertEquals(5, counter.more(5));
    assertEquals(5, counter.count());
    Assertions.assertThrows(CallFailed.BadRequest.class, () -> counter.more(0));
  }

  @Test
  void whoDoesNotAnswersAsTheProtocolSays() {
    core.register("plain", (context, saved) -> new Plain(), Counter.class);
    Counter counter = counter("plain");
    assertEquals(-5, counter.more(5));
    assertEquals(0, counter.count());
  }
}
