package duality.store.sealed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import duality.drivers.RawStore;
import duality.drivers.testing.TestBoard;
import duality.kernel.Grant;
import duality.kernel.processor.Memory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LineTest {
  private final TestBoard board = new TestBoard();
  private final Told store = new Told();
  private final Grant staging =
      board.memory().grant(TestBoard.MEMORY, Layout.BLOCK, Memory.READ | Memory.WRITE);
  private final List<String> alarms = new ArrayList<>();
  private final List<Boolean> locked = new ArrayList<>();
  private final Line line =
      new Line(store, staging, board.notification("turns"), this::alarm, Layout.BLOCK);

  @AfterEach
  void end() {
    staging.close();
    board.close();
  }

  private void alarm(String what) {
    alarms.add(what);
    locked.add(Thread.holdsLock(line));
  }

  /** Takes everything, and answers what it was told. */
  private static final class Told implements RawStore {
    final Deque<Long> answers = new ArrayDeque<>();
    boolean asked;

    @Override
    public long sizeBytes() {
      return Layout.BLOCK;
    }

    @Override
    public boolean readOnly() {
      return false;
    }

    @Override
    public String identity() {
      return "told";
    }

    @Override
    public boolean submit(
        int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
      asked = true;
      return true;
    }

    @Override
    public long finished() {
      Long answer = answers.poll();
      return answer == null ? NONE : answer;
    }
  }

  @Test
  void whoHearsOfAnAlarmMayTakeLocksThatAreTakenBeforeTheLines() {
    store.answers.add(12_345L << 8);
    line.turn();
    assertEquals(List.of("the store below answers what nobody asked: 3160320"), alarms);
    assertEquals(List.of(false), locked, "the lock of the line");
  }

  @Test
  void aThreadThatMayGoOnBeforeItHasSeenThatItIsHaltedBeginsAnew() throws Exception {
    AtomicReference<Throwable> ended = new AtomicReference<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                line.flush();
              } catch (Throwable e) {
                ended.set(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    TestBoard.await(
        "it asks",
        () -> {
          line.turn();
          return store.asked;
        });
    synchronized (line) {
      line.halt(true);
      line.halt(false);
    }
    thread.join(TimeUnit.SECONDS.toMillis(100));
    assertFalse(thread.isAlive(), "it waits for an answer that nobody will give");
    assertInstanceOf(Line.Halted.class, ended.get());
    assertEquals(List.of(), alarms);
  }
}
