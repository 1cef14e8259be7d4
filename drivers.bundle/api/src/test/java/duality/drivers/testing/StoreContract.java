package duality.drivers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store keeps. A test class extends this and makes its store in {@link #store}. */
public abstract class StoreContract {
  /** Name of the store's endpoint on the board. */
  protected static final String STORE = "store";

  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(100);

  protected TestBoard board;
  protected Notification events;

  private final long seed = Long.getLong("duality.seed", 20261);
  private final Map<Integer, Integer> finished = new HashMap<>();
  private Store store;

  /** Makes a writable store that holds {@code content}, as endpoint {@link #STORE}. */
  protected abstract Store store(TestBoard board, Notification events, byte[] content)
      throws Exception;

  /** What the store holds now, looked at from outside. */
  protected abstract byte[] content() throws Exception;

  @BeforeEach
  final void makeBoard() {
    board = new TestBoard();
    events = board.notification("events");
  }

  @AfterEach
  final void endBoard() {
    board.close();
  }

  /** Opens the store with this content. */
  protected final Store open(byte[] content) throws Exception {
    return use(store(board, events, content));
  }

  /** From now on requests go there. */
  protected final Store use(Store other) {
    store = other;
    return store;
  }

  /** Random bytes. */
  protected final byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  /** Submits and expects that the store takes it. */
  protected final void submit(int tag, int operation, long offset, Grant grant, long length) {
    assertTrue(
        store.submit(tag, operation, offset, grant, 0, length),
        () -> "the store does not take request " + tag);
  }

  /** Waits until a request has finished; answers its status. */
  protected final int status(int tag) {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (!finished.containsKey(tag)) {
      for (long answer; (answer = store.finished()) != Store.NONE; ) {
        long seen = answer;
        assertEquals(
            null,
            finished.put((int) (answer >> 8), (int) answer & 0xff),
            () -> "request " + (seen >> 8) + " finished twice");
      }
      if (!finished.containsKey(tag)) {
        long left = end - System.nanoTime();
        assertTrue(left > 0, () -> "request " + tag + " never finished");
        events.take(1, left);
      }
    }
    return finished.remove(tag);
  }

  /** Memory of the board with these bytes in it. */
  protected final Grant memory(long offset, byte[] bytes) {
    board.ram().write(offset, MemorySegment.ofArray(bytes), 0, bytes.length);
    return memory(offset, bytes.length);
  }

  /** Memory of the board. */
  protected final Grant memory(long offset, long length) {
    return board
        .memory()
        .grant(TestBoard.MEMORY + offset, Math.max(1, length), Memory.READ | Memory.WRITE);
  }

  /** What is in memory. */
  protected static byte[] read(Grant grant) {
    byte[] bytes = new byte[(int) grant.sizeBytes()];
    grant.read(0, MemorySegment.ofArray(bytes), 0, bytes.length);
    return bytes;
  }

  @Test
  void readsWhatIsThere() throws Exception {
    byte[] content = bytes(100 * 512);
    open(content);
    assertEquals(content.length, store.sizeBytes());
    try (Grant grant = memory(100, 5_000)) {
      submit(1, Store.READ, 512, grant, 5_000);
      assertEquals(Store.OK, status(1));
      assertArrayEquals(Arrays.copyOfRange(content, 512, 5_512), read(grant));
    }
  }

  @Test
  void keepsWhatIsWritten() throws Exception {
    byte[] content = bytes(100 * 512);
    open(content);
    byte[] fresh = new byte[3 * 4096];
    Arrays.fill(fresh, (byte) 'x');
    try (Grant grant = memory(0x1ff3, fresh)) {
      submit(7, Store.WRITE, 1024, grant, fresh.length);
      assertEquals(Store.OK, status(7));
      submit(8, Store.FLUSH, 0, grant, 0);
      assertEquals(Store.OK, status(8));
    }
    System.arraycopy(fresh, 0, content, 1024, fresh.length);
    assertArrayEquals(content, content());
  }

  @Test
  void takesAPartOfAGrant() throws Exception {
    byte[] content = bytes(512);
    open(content);
    try (Grant grant = memory(0, new byte[1024])) {
      assertTrue(store.submit(1, Store.READ, 0, grant, 512, 512));
      assertEquals(Store.OK, status(1));
      byte[] expected = new byte[1024];
      System.arraycopy(content, 0, expected, 512, 512);
      assertArrayEquals(expected, read(grant));
    }
  }

  @Test
  void aRequestThatIsRepeatedIsDoneOnce() throws Exception {
    open(bytes(8 * 512));
    try (Grant grant = memory(0, 512)) {
      submit(3, Store.READ, 0, grant, 512);
      assertTrue(store.submit(3, Store.READ, 0, grant, 0, 512), "it has that one");
      assertEquals(Store.OK, status(3));
      submit(4, Store.FLUSH, 0, grant, 0);
      assertEquals(Store.OK, status(4));
      assertEquals(Store.NONE, store.finished(), "and no second answer for the first");
      assertTrue(finished.isEmpty(), "nor before");
    }
  }

  @Test
  void refusesWhatIsOutside() throws Exception {
    byte[] content = bytes(8 * 512);
    open(content);
    long[][] wrong = {
      {content.length, 1},
      {content.length - 511, 512},
      {-1, 1},
      {-512, 512},
      {Long.MAX_VALUE, 1},
      {Long.MAX_VALUE - 100, 512},
      {0, -1},
      {0, Long.MAX_VALUE},
      {0, 513}, // more than the grant has
    };
    try (Grant grant = memory(0, new byte[512])) {
      for (int i = 0; i < wrong.length; i++) {
        for (int operation : new int[] {Store.READ, Store.WRITE}) {
          submit(i, operation, wrong[i][0], grant, wrong[i][1]);
          int which = i;
          assertEquals(
              Store.REFUSED,
              status(i),
              () -> "offset " + wrong[which][0] + ", length " + wrong[which][1]);
        }
      }
      submit(99, 77, 0, grant, 512);
      assertEquals(Store.REFUSED, status(99), "an operation that does not exist");
    }
    assertArrayEquals(content, content());
  }

  @Test
  void anEmptyRequestIsDone() throws Exception {
    open(bytes(512));
    try (Grant grant = memory(0, 1)) {
      submit(3, Store.READ, 512, grant, 0);
      assertEquals(Store.OK, status(3));
    }
  }

  @Test
  void aFullStoreSaysSoAndGoesOn() throws Exception {
    open(bytes(64 * 512));
    try (Grant grant = memory(0, 512)) {
      int tag = 0;
      while (store.submit(tag, Store.READ, 0, grant, 0, 512)) {
        tag++;
        assertTrue(tag < 1 << 20, "the store takes more than a million requests");
      }
      for (int i = 0; i < tag; i++) {
        assertEquals(Store.OK, status(i));
      }
      submit(tag, Store.READ, 0, grant, 512);
      assertEquals(Store.OK, status(tag));
    }
  }

  @Test
  void randomRequestsAreLikeThoseToAnArray() throws Exception {
    Random random = new Random(seed);
    byte[] model = bytes(256 * 512);
    open(model);
    int slots = 8;
    int slotBytes = 32_768;
    for (int round = 0; round < 60; round++) {
      // Each slot has its own part of the store, so that the order among them does not matter.
      Grant[] grants = new Grant[slots];
      byte[][] expected = new byte[slots][];
      for (int slot = 0; slot < slots; slot++) {
        int part = model.length / slots;
        int offset = slot * part + random.nextInt(part);
        int length = 1 + random.nextInt(Math.min((slot + 1) * part - offset, slotBytes));
        boolean write = random.nextBoolean();
        byte[] data = new byte[length];
        random.nextBytes(data);
        grants[slot] = memory((long) slot * slotBytes + random.nextInt(100), data);
        if (write) {
          System.arraycopy(data, 0, model, offset, length);
        }
        expected[slot] = Arrays.copyOfRange(model, offset, offset + length);
        submit(slot, write ? Store.WRITE : Store.READ, offset, grants[slot], length);
        if (round % 7 == 0 && slot == slots / 2) {
          board.swap(STORE);
        }
      }
      for (int slot = 0; slot < slots; slot++) {
        assertEquals(Store.OK, status(slot), () -> "seed " + seed);
        assertArrayEquals(expected[slot], read(grants[slot]), () -> "seed " + seed);
        grants[slot].close();
      }
    }
    assertArrayEquals(model, content(), () -> "seed " + seed);
  }

  @Test
  void aSuccessorStillTellsWhatHasFinished() throws Exception {
    open(bytes(64 * 512));
    try (Grant grant = memory(0, 512)) {
      for (int tag = 0; tag < 20; tag++) {
        submit(tag, Store.READ, tag * 512L, grant, 512);
      }
      board.restore(STORE, board.save(STORE)); // which saves once more
      for (int tag = 0; tag < 20; tag++) {
        assertEquals(Store.OK, status(tag));
      }
      assertEquals(Store.NONE, store.finished());
    }
  }

  @Test
  void stateThatMakesNoSenseIsRefused() throws Exception {
    open(bytes(512));
    State saved = board.save(STORE);
    assertThrows(CallFailed.class, () -> board.restore(STORE, State.of("something.else", 1)));
    assertThrows(
        CallFailed.class,
        () -> board.restore(STORE, new State(saved.schema(), saved.version(), Map.of())));
    assertFalse(store.readOnly(), "the old instance serves on");
  }
}
