package duality.swapper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ShieldTest {
  private final Shield shield = new Shield();
  private final ExecutorService other = Executors.newSingleThreadExecutor();
  private final ExecutorService begun = Executors.newSingleThreadExecutor();
  private BitSet all = new BitSet();

  @BeforeEach
  void needsTwoProcessors() {
    assumeTrue(Files.exists(Path.of("/proc/thread-self")), "there is no /proc/thread-self here");
    all = Shield.processors(0);
    assumeTrue(all.cardinality() > 1, "there is one processor only");
  }

  @AfterEach
  void end() {
    shield.lower();
    other.shutdownNow();
    begun.shutdownNow();
  }

  @Test
  void othersAreKeptFromOneProcessorUntilItIsLowered() throws Exception {
    int thread = on(other, ShieldTest::own);
    shield.raise();
    BitSet left = Shield.processors(thread);
    assertEquals(all.cardinality() - 1, left.cardinality(), "of " + all + " it has " + left);
    assertEquals(all, Shield.processors(0), "the thread that swaps may run anywhere");
    shield.lower();
    assertEquals(all, Shield.processors(thread));
  }

  @Test
  void whoBeganMeanwhileIsFreedToo() throws Exception {
    on(other, ShieldTest::own);
    shield.raise();
    // Its thread is started by one that is kept away, and inherits that.
    int thread = on(other, () -> on(begun, ShieldTest::own));
    assertEquals(all.cardinality() - 1, Shield.processors(thread).cardinality());
    shield.lower();
    assertEquals(all, Shield.processors(thread));
  }

  @Test
  void whoIsKeptSomewhereOnPurposeStaysThere() throws Exception {
    int thread = on(other, ShieldTest::own);
    BitSet one = new BitSet();
    one.set(all.nextSetBit(0));
    Shield.processors(thread, one);
    shield.raise();
    assertEquals(one, Shield.processors(thread));
    shield.lower();
    assertEquals(one, Shield.processors(thread));
  }

  @Test
  void anotherThreadMayLowerIt() throws Exception {
    int thread = on(other, ShieldTest::own);
    shield.raise();
    on(
        begun,
        () -> {
          shield.lower();
          shield.lower();
          return 0;
        });
    assertEquals(all, Shield.processors(thread));
  }

  @Test
  void raisedTwiceItIsLoweredOnce() throws Exception {
    int thread = on(other, ShieldTest::own);
    shield.raise();
    shield.raise();
    assertEquals(all.cardinality() - 1, Shield.processors(thread).cardinality());
    shield.lower();
    assertEquals(all, Shield.processors(thread));
  }

  @Test
  void oneThatStaysRaisedIsLowered() throws Exception {
    int thread = on(other, ShieldTest::own);
    shield.raise();
    Thread.sleep(50);
    shield.lowerOld();
    assertEquals(all, Shield.processors(thread));
  }

  private static <T> T on(ExecutorService executor, Callable<T> what) throws Exception {
    return executor.submit(what).get(10, TimeUnit.SECONDS);
  }

  private static int own() {
    try {
      return Integer.parseInt(
          Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
