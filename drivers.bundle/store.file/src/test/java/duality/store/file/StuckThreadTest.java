package duality.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.Grant;
import duality.kernel.Notification;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A thread of a store that is stuck is noticed, and keeps neither requests nor the file. */
@Timeout(600)
class StuckThreadTest {
  private static final String STORE = "store";

  @TempDir Path folder;

  private final TestBoard board = new TestBoard();
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicBoolean armed = new AtomicBoolean();
  private Store store;
  private @Nullable FileStore instance;

  @BeforeEach
  void open() throws Exception {
    Path file = Files.write(folder.resolve("disk.img"), new byte[8192]);
    board
        .core()
        .register(
            "store.file",
            (context, saved) -> {
              instance = FileStore.open(fragile(context), saved);
              return instance;
            },
            Store.class);
    store =
        board.child(
            STORE,
            Store.class,
            "store.file",
            Map.of("file", file.toString()),
            Map.of(Slots.EVENTS, board.notification("events")));
  }

  @AfterEach
  void close() {
    end.countDown();
    board.close();
  }

  private Endpoint endpoint() {
    return board.endpoint(STORE);
  }

  /** Memory whose use hangs, or burns. */
  private Grant bad(boolean burns) {
    return proxy(
        Grant.class,
        (self, method, arguments) -> {
          if (method.getName().equals("sizeBytes")) {
            return 4096L;
          }
          while (burns && end.getCount() > 0) {
            Thread.onSpinWait();
          }
          end.await();
          throw new IllegalStateException("the test is over");
        });
  }

  /** A context whose notification of events hangs when armed. */
  private Context fragile(Context context) {
    Notification real = context.slot(Slots.EVENTS, Notification.class);
    Notification events =
        proxy(
            Notification.class,
            (self, method, arguments) -> {
              if (armed.get() && method.getName().equals("signal")) {
                end.await();
              }
              return method.invoke(real, arguments);
            });
    return proxy(
        Context.class,
        (self, method, arguments) ->
            method.getName().equals("slot") && arguments[0].equals(Slots.EVENTS)
                ? events
                : method.invoke(context, arguments));
  }

  private static <T> T proxy(Class<T> type, InvocationHandler answer) {
    return type.cast(
        Proxy.newProxyInstance(
            StuckThreadTest.class.getClassLoader(), new Class<?>[] {type}, answer));
  }

  private boolean fails() {
    try {
      endpoint().check();
      return false;
    } catch (CallFailed.ServerFailed found) {
      return true;
    }
  }

  /** Puts the next instance in as the supervisor does, which has no state. */
  private void replace() {
    armed.set(false);
    try (var _ = board.core().hold(List.of(endpoint()), 5_000_000_000L)) {
      assertThrows(CallFailed.class, () -> endpoint().salvage(100_000_000L));
      endpoint().open("store.file", null).bind();
    }
  }

  private void assertServesAgain() {
    TestBoard.await("it says so", () -> store.finished() == Store.RESTARTED);
    try (Grant grant = board.memory().grant(TestBoard.MEMORY, 512, 3)) {
      assertTrue(store.submit(8, Store.WRITE, 0, grant, 0, 512));
      TestBoard.await("it is done", () -> store.finished() == (8 << 8 | Store.OK));
    }
  }

  @Test
  void oneThatWaitsForEverIsNoticedAndLosesTheFile() {
    assertTrue(store.submit(7, Store.WRITE, 0, bad(false), 0, 512));
    awaitTaken();
    TestBoard.await("a failed check", this::fails);
    replace();
    assertServesAgain();
  }

  @Test
  void oneThatLoopsIsNoticedAndLosesTheFile() {
    assertTrue(store.submit(7, Store.READ, 0, bad(true), 0, 512));
    awaitTaken();
    TestBoard.await("a failed check", this::fails);
    replace();
    assertServesAgain();
  }

  @Test
  void oneThatHangsWithTheLockKeepsNoFile() {
    armed.set(true);
    try (Grant grant = board.memory().grant(TestBoard.MEMORY, 512, 3)) {
      assertTrue(store.submit(7, Store.WRITE, 0, grant, 0, 512));
      TestBoard.await("it hangs", () -> end.getCount() > 0 && hangs());
    }
    endpoint().fail("nobody gets in");
    replace();
    assertServesAgain();
  }

  private static boolean hangs() {
    return Thread.getAllStackTraces().entrySet().stream()
        .anyMatch(
            each ->
                each.getKey().getName().contains(STORE + ":io")
                    && each.getKey().getState() == Thread.State.WAITING
                    && List.of(each.getValue()).toString().contains("announce"));
  }

  @Test
  void aRequestThatIsNowhereIsNoticed() throws Exception {
    assertFalse(fails());
    store.submit(1, Store.WRITE, 0, bad(false), 0, 512);
    store.submit(2, Store.WRITE, 0, bad(false), 0, 512);
    awaitTaken();
    store.submit(3, Store.WRITE, 0, bad(false), 0, 512);
    queue().clear(); // a bug might do this
    assertFalse(fails(), "at the first look it may be on its way");
    assertTrue(fails());
    String reason = board.core().failures(0).getLast().reason();
    assertTrue(reason.contains("request 3 was taken and is nowhere"), reason);
  }

  /** Looked at before, it would be the request that is found, which waits for a thread. */
  private void awaitTaken() {
    TestBoard.await("threads have all requests", () -> queue().isEmpty());
  }

  private Collection<?> queue() {
    try {
      Field queue = FileStore.class.getDeclaredField("queue");
      queue.setAccessible(true);
      return (Collection<?>) queue.get(instance);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void oneInsideTheHostIsNotStuck() throws Exception {
    IoThread watched = new IoThread();
    try (ServerSocket nobodyComes = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread thread =
          new Thread(
              () -> {
                watched.begins();
                try {
                  nobodyComes.accept().close();
                } catch (java.io.IOException e) {
                  watched.rests(); // the test is over
                }
              });
      thread.start();
      TestBoard.await("it is inside", watched::mayEnd);
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
      while (System.nanoTime() - until < 0) {
        assertEquals(Thread.State.RUNNABLE, thread.getState());
        assertFalse(watched.isStuck());
        java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
      }
    }
  }
}
