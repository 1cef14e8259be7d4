package duality.store.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.testing.StoreContract;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Notification;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStoreTest extends StoreContract {
  @TempDir Path folder;

  private Path file() {
    return folder.resolve("disk.img");
  }

  @Override
  protected Store store(TestBoard board, Notification events, byte[] content) throws Exception {
    Files.write(file(), content);
    board.core().register("store.file", new FileStoreServer(), Store.class);
    return child(STORE, Map.of());
  }

  private Store child(String name, Map<String, String> more) {
    Map<String, String> config = new java.util.HashMap<>(more);
    config.putIfAbsent("file", file().toString());
    return board.child(name, Store.class, "store.file", config, Map.of(Slots.EVENTS, events));
  }

  @Override
  protected byte[] content() throws Exception {
    return Files.readAllBytes(file());
  }

  private String refusal(String name, Map<String, String> config) {
    return assertThrows(CallFailed.class, () -> child(name, config)).getMessage();
  }

  @Test
  void theLastSectorOfAnOddFileReadsAsZeroesAndGrowsWhenWritten() throws Exception {
    byte[] odd = bytes(1000);
    Store store = open(odd);
    assertEquals(1024, store.sizeBytes());
    byte[] junk = new byte[1024];
    Arrays.fill(junk, (byte) 'j');
    try (Grant grant = memory(0, junk)) {
      submit(1, Store.READ, 0, grant, 1024);
      assertEquals(Store.OK, status(1));
      assertArrayEquals(Arrays.copyOf(odd, 1024), read(grant));
      assertEquals(1000, Files.size(file()), "reading changes nothing");
      submit(2, Store.WRITE, 512, grant, 512);
      assertEquals(Store.OK, status(2));
    }
    assertEquals(1024, Files.size(file()));
  }

  @Test
  void anEmptyFileIsAnEmptyStore() throws Exception {
    assertEquals(0, open(new byte[0]).sizeBytes());
  }

  @Test
  void aReadOnlyStoreRefusesWritesAndManyShareAFile() throws Exception {
    byte[] content = bytes(1024);
    open(content);
    board.remove(STORE);
    Store one = child("one", Map.of("readonly", "true"));
    Store two = child("two", Map.of("readonly", "true"));
    assertTrue(one.readOnly() && two.readOnly());
    try (Grant grant = memory(0, new byte[512])) {
      assertTrue(one.submit(1, Store.WRITE, 0, grant, 0, 512));
      TestBoard.await("answer", () -> one.finished() == (1 << 8 | Store.REFUSED));
      assertTrue(one.submit(2, Store.FLUSH, 0, grant, 0, 0));
      TestBoard.await("answer", () -> one.finished() == (2 << 8 | Store.OK));
      assertTrue(two.submit(1, Store.READ, 0, grant, 0, 512));
      TestBoard.await("answer", () -> two.finished() == (1 << 8 | Store.OK));
    }
    assertTrue(refusal("writer", Map.of()).contains("in use by another machine"));
    assertArrayEquals(content, content());
  }

  @Test
  void aSecondWriterIsRefusedUntilTheFirstHasEnded() throws Exception {
    open(bytes(512));
    String said = refusal("second", Map.of());
    assertTrue(said.contains("disk.img is in use by another machine"), said);
    assertTrue(refusal("reader", Map.of("readonly", "true")).contains("in use"));
    try (FileChannel other = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      // The lock of the host is there too, so that other processes are kept out.
      assertThrows(java.nio.channels.OverlappingFileLockException.class, other::tryLock);
    }
    board.remove(STORE);
    assertEquals(512, child("second", Map.of()).sizeBytes());
  }

  @Test
  void aSwapKeepsTheFileLocked() throws Exception {
    open(bytes(512));
    for (int i = 0; i < 20; i++) {
      board.swap(STORE);
      try (Grant grant = memory(0, 512)) {
        submit(i, Store.READ, 0, grant, 512);
        assertEquals(Store.OK, status(i));
      }
      assertTrue(refusal("second" + i, Map.of()).contains("in use"));
    }
  }

  @Test
  void wrongSettingsSayWhatIsWrong() throws Exception {
    open(bytes(512));
    String nowhere = folder.resolve("nowhere.img").toString();
    assertTrue(refusal("a", Map.of("file", nowhere)).contains("nowhere.img does not exist"));
    assertTrue(refusal("b", Map.of("file", folder.toString())).contains("is no regular file"));
    assertTrue(refusal("c", Map.of("file", "")).contains("'file' is missing"));
    assertTrue(refusal("d", Map.of("readonly", "perhaps")).contains("true or false"));
    assertTrue(refusal("e", Map.of("queue", "0")).contains("from 1 to 65536"));
  }

  @Test
  void theIdentityIsTheFilesName() throws Exception {
    assertEquals("disk.img", open(bytes(512)).identity());
    Path longOne = Files.write(folder.resolve("a-name-that-is-much-too-long.img"), new byte[512]);
    String identity = child("other", Map.of("file", longOne.toString())).identity();
    assertEquals("a-name-that-is-much-", identity);
  }

  @Test
  void aFileThatBecameShorterReadsAsZeroes() throws Exception {
    open(bytes(1024));
    try (FileChannel other = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      other.truncate(512);
    }
    try (Grant grant = memory(0, 512)) {
      submit(1, Store.READ, 512, grant, 512);
      assertEquals(Store.OK, status(1), "behind the file's end there are zeros");
      assertArrayEquals(new byte[512], read(grant));
    }
  }

  @Test
  void aThreadThatEndsIsAFailureAndTheNextInstanceSaysThatAllIsLost() throws Exception {
    Store store = open(bytes(4096));
    AtomicBoolean armed = new AtomicBoolean();
    board
        .core()
        .register(
            "fragile",
            (context, saved) -> FileStore.open(fragile(context, armed), saved),
            Store.class);
    try (var _ = board.core().hold(List.of(board.endpoint(STORE)), 100_000_000_000L)) {
      board.endpoint(STORE).open("fragile", board.endpoint(STORE).save()).bind();
    }
    armed.set(true);
    try (Grant grant = memory(0, new byte[512])) {
      try {
        assertTrue(store.submit(7, Store.WRITE, 0, grant, 0, 512));
      } catch (CallFailed.ServerFailed e) {
        // The thread has done it and ended before the call returned.
      }
      TestBoard.await("a failed check", this::fails);
      try (var _ = board.core().hold(List.of(board.endpoint(STORE)), 100_000_000_000L)) {
        assertThrows(CallFailed.class, () -> board.endpoint(STORE).save());
        board.endpoint(STORE).open("store.file", null).bind();
      }
      TestBoard.await("it says so", () -> store.finished() == Store.RESTARTED);
      assertTrue(store.submit(7, Store.WRITE, 0, grant, 0, 512));
      TestBoard.await("it is done", () -> store.finished() == 7 << 8);
    }
  }

  private boolean fails() {
    try {
      board.endpoint(STORE).check();
      return board.endpoint(STORE).report().condition().startsWith("failed");
    } catch (CallFailed.ServerFailed found) {
      return true;
    }
  }

  /** A context whose notification of events ends the thread that signals it. */
  private static Context fragile(Context context, AtomicBoolean armed) {
    Notification real = context.slot(Slots.EVENTS, Notification.class);
    Notification events =
        proxy(
            Notification.class,
            (method, arguments) -> {
              if (armed.get() && method.getName().equals("signal")) {
                throw new AssertionError("as asked");
              }
              return method.invoke(real, arguments);
            });
    return proxy(
        Context.class,
        (method, arguments) ->
            method.getName().equals("slot") && arguments[0].equals(Slots.EVENTS)
                ? events
                : method.invoke(context, arguments));
  }

  private interface Answer {
    Object to(Method method, Object[] arguments) throws ReflectiveOperationException;
  }

  private static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            FileStoreTest.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> answer.to(method, arguments)));
  }
}
