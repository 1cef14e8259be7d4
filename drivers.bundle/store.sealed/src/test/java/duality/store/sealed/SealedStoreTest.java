package duality.store.sealed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.RawStore;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.testing.StoreContract;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.store.file.FileStoreServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SealedStoreTest extends StoreContract {
  private static final int RAW_BYTES = 1 << 20;

  @TempDir Path folder;

  /** Frames behind those of the board's memory. */
  private final AtomicLong nextFrame = new AtomicLong(TestBoard.MEMORY_BYTES / Space.PAGE_BYTES);

  private Path file() {
    return folder.resolve("disk.img");
  }

  private Path sealFile() {
    return folder.resolve("disk.img.seal");
  }

  @Override
  protected Store store(TestBoard board, Notification events, byte[] content) throws Exception {
    ArrayRaw raw = new ArrayRaw(RAW_BYTES);
    try (SealFile seal = SealFile.create(sealFile(), RAW_BYTES, new SecureRandom())) {
      SealedDisk disk = disk(seal, raw);
      byte[] padded = Arrays.copyOf(content, Math.ceilDiv(content.length, 4096) * 4096);
      for (int at = 0; at < padded.length; at += 4096) {
        disk.write(at, Arrays.copyOfRange(padded, at, at + 4096), 4096);
      }
    }
    Files.write(file(), raw.bytes);
    register();
    return child(Map.of("size", Integer.toString(content.length)));
  }

  private static SealedDisk disk(SealFile seal, Raw raw) {
    BlockCipher cipher = new BlockCipher(seal.key(), seal.disk(), new SecureRandom());
    return new SealedDisk(Layout.ofRaw(seal.rawBytes()), cipher, seal, raw, false);
  }

  private void register() {
    board.core().register("store.file", new FileStoreServer(), RawStore.class);
    board.core().register("store.sealed", new SealedServer(), Store.class);
    board.core().register("test.frames", (context, saved) -> new Frames(context), Pager.class);
  }

  private Store child(Map<String, String> more) {
    Map<String, String> config = new HashMap<>(more);
    config.putIfAbsent("file", file().toString());
    config.putIfAbsent("raw", "store.file");
    config.put("pager", "test.frames");
    return board.child(STORE, Store.class, "store.sealed", config, Map.of(Slots.EVENTS, events));
  }

  /** Gives frames that nobody else has. */
  private final class Frames implements Pager, Instance {
    private final Space space;

    Frames(Context context) {
      space = context.slot("space", Space.class);
    }

    @Override
    public void attach(int id, long page, long pages, int rights) {}

    @Override
    public void detach(int id, long page, long pages) {}

    @Override
    public boolean fault(int id, long page, int access) {
      Frame all = board.core().allFrames();
      space.map(page, all, nextFrame.getAndIncrement(), 1, Memory.READ | Memory.WRITE);
      return true;
    }

    @Override
    public State save() {
      return State.of("test.frames", 1);
    }
  }

  @Override
  protected byte[] content() throws Exception {
    ArrayRaw raw = new ArrayRaw(0);
    raw.bytes = Files.readAllBytes(file());
    long size = board.core().kernel().connect("board/" + STORE, Store.class).sizeBytes();
    try (SealFile seal = SealFile.open(sealFile(), false)) {
      byte[] all = new byte[(int) size];
      SealedDisk disk = disk(seal, raw);
      for (int at = 0; at < all.length; at += 4096) {
        byte[] part = new byte[Math.min(4096, all.length - at)];
        disk.read(at, part, part.length);
        System.arraycopy(part, 0, all, at, part.length);
      }
      return all;
    }
  }

  private int transfer(int tag, int operation, long offset, byte[] bytes) {
    try (Grant grant = memory(0, bytes)) {
      submit(tag, operation, offset, grant, bytes.length);
      int status = status(tag);
      if (operation == Store.READ && status == Store.OK) {
        System.arraycopy(read(grant), 0, bytes, 0, bytes.length);
      }
      return status;
    }
  }

  private Store fresh(Map<String, String> more) throws IOException {
    Files.write(file(), new byte[RAW_BYTES]);
    register();
    return use(child(more));
  }

  @Test
  void aFileOfZerosBecomesADiskOfZerosThatKeepsWhatIsWrittenOverRestarts() throws Exception {
    Store store = fresh(Map.of());
    assertTrue(store.sizeBytes() > RAW_BYTES * 9 / 10, () -> "" + store.sizeBytes());
    byte[] bytes = new byte[20_000];
    Arrays.fill(bytes, (byte) 1);
    assertEquals(Store.OK, transfer(1, Store.READ, 100_000, bytes));
    assertArrayEquals(new byte[20_000], bytes);
    bytes = bytes(20_000);
    assertEquals(Store.OK, transfer(2, Store.WRITE, 100_000, bytes));
    assertEquals(-1, indexOf(Files.readAllBytes(file()), Arrays.copyOf(bytes, 512)), "in clear");
    board.remove(STORE);
    use(child(Map.of()));
    byte[] again = new byte[20_000];
    assertEquals(Store.OK, transfer(3, Store.READ, 100_000, again));
    assertArrayEquals(bytes, again);
    assertEquals(0, board.openGrants() - 1, "nothing is lent but the new one's memory");
  }

  private static int indexOf(byte[] all, byte[] part) {
    return Arrays.equals(Arrays.copyOf(part, 8), new byte[8])
        ? -2
        : new String(all, java.nio.charset.StandardCharsets.ISO_8859_1)
            .indexOf(new String(part, java.nio.charset.StandardCharsets.ISO_8859_1));
  }

  @Test
  void aDiskThatHoldsSomethingIsNotTakenForANewOne() throws Exception {
    byte[] used = new byte[RAW_BYTES];
    used[1080] = 0x53;
    Files.write(file(), used);
    register();
    use(child(Map.of()));
    assertEquals(Store.FAILED, transfer(1, Store.WRITE, 0, new byte[512]));
    assertLogged("not empty, and there is no seal");
    assertArrayEquals(used, Files.readAllBytes(file()));
    assertTrue(Files.notExists(sealFile()));
  }

  @Test
  void whatMakesNoSenseIsRefused() throws Exception {
    register();
    Files.write(file(), new byte[8192]);
    assertThrows(CallFailed.class, () -> child(Map.of()), "too small");
    Files.write(file(), new byte[RAW_BYTES]);
    assertThrows(CallFailed.class, () -> child(Map.of("readonly", "true")), "no seal");
    assertThrows(CallFailed.class, () -> child(Map.of("file", "")));
    Files.write(sealFile(), new byte[200]);
    String said = assertThrows(CallFailed.class, () -> child(Map.of())).getMessage();
    assertTrue(said.contains("no seal of a disk"), said);
  }

  @Test
  void aReadOnlyOneReadsAndLeavesTheSealAsItIs() throws Exception {
    fresh(Map.of());
    byte[] bytes = bytes(4096);
    assertEquals(Store.OK, transfer(1, Store.WRITE, 4096, bytes));
    board.remove(STORE);
    byte[] seal = Files.readAllBytes(sealFile());
    Store store = use(child(Map.of("readonly", "true")));
    assertTrue(store.readOnly());
    byte[] seen = new byte[4096];
    assertEquals(Store.OK, transfer(2, Store.READ, 4096, seen));
    assertArrayEquals(bytes, seen);
    assertEquals(Store.REFUSED, transfer(3, Store.WRITE, 4096, seen));
    assertEquals(Store.OK, transfer(4, Store.FLUSH, 0, seen));
    assertArrayEquals(seal, Files.readAllBytes(sealFile()));
  }

  @Test
  void aStoreBelowThatLiesIsNoticedEachTimeAndWhatItHasRightIsRead() throws Exception {
    HostileStore hostile = new HostileStore(new byte[RAW_BYTES]);
    board.core().register("test.hostile", hostile, RawStore.class);
    fresh(Map.of("raw", "test.hostile"));
    byte[] bytes = bytes(3 * 4096);
    assertEquals(Store.OK, transfer(1, Store.WRITE, 8192, bytes));
    byte[] before = hostile.bytes.clone();
    assertEquals(Store.OK, transfer(2, Store.WRITE, 8192, bytes));
    byte[] seen = new byte[bytes.length];

    hostile.flips = true;
    assertEquals(Store.FAILED, transfer(3, Store.READ, 8192, seen));
    assertLogged("TAMPERED disk.img: block 3 is not what was written");
    hostile.flips = false;
    assertEquals(Store.OK, transfer(4, Store.READ, 8192, seen));
    assertArrayEquals(bytes, seen);

    byte[] now = hostile.bytes;
    hostile.bytes = before;
    assertEquals(Store.FAILED, transfer(5, Store.READ, 8192, seen), "an old disk");
    hostile.bytes = now;

    hostile.saysBytes = RAW_BYTES - 1;
    assertEquals(Store.FAILED, transfer(6, Store.READ, 8192, seen), "a wrong size");
    assertLogged("it says that it has 1048575 bytes, not 1048576");
    hostile.saysBytes = RAW_BYTES;

    hostile.mutters = true;
    assertNotEquals(Store.OK, transfer(7, Store.READ, 8192, seen), "a status that is none");
    assertLogged("answers what nobody asked");
    hostile.mutters = false;

    hostile.status = Store.FAILED;
    assertEquals(Store.FAILED, transfer(8, Store.WRITE, 8192, seen));
    hostile.status = Store.OK;
    assertEquals(Store.OK, transfer(9, Store.READ, 8192, seen));
    assertArrayEquals(bytes, seen, "it was not written, or written with the same");

    hostile.losesWrites = true;
    assertEquals(Store.OK, transfer(10, Store.WRITE, 8192, new byte[4096]));
    hostile.losesWrites = false;
    assertEquals(Store.FAILED, transfer(11, Store.READ, 8192, new byte[4096]), "a lost write");
    assertEquals(Store.OK, transfer(12, Store.WRITE, 8192, new byte[4096]));
    assertEquals(Store.OK, transfer(13, Store.READ, 8192, new byte[4096]), "written anew");
  }

  @Test
  void aSwapWaitsForNoRequestAndTheSuccessorDoesIt() throws Exception {
    HostileStore hostile = new HostileStore(new byte[RAW_BYTES]);
    board.core().register("test.hostile", hostile, RawStore.class);
    Store store = fresh(Map.of("raw", "test.hostile"));
    byte[] bytes = bytes(4096);
    assertEquals(Store.OK, transfer(1, Store.WRITE, 0, bytes));
    hostile.silent = true;
    try (Grant grant = memory(0, new byte[4096])) {
      submit(2, Store.READ, 0, grant, 4096);
      submit(3, Store.READ, 0, grant, 4096);
      assertEquals(Store.NONE, store.finished());
      board.swap(STORE);
      board.swap(STORE);
      hostile.silent = false;
      hostile.restart(); // what it did not answer it has lost, and is asked again
      assertEquals(Store.OK, status(2));
      assertEquals(Store.OK, status(3));
      assertArrayEquals(bytes, read(grant));
    }
  }

  @Test
  void anInstanceWithoutAStateSaysThatAllIsLostAndGoesOnWithTheSeal() throws Exception {
    Store store = fresh(Map.of());
    byte[] bytes = bytes(4096);
    assertEquals(Store.OK, transfer(1, Store.WRITE, 0, bytes));
    State saved = board.save(STORE);
    assertEquals(Store.OK, transfer(2, Store.WRITE, 4096, bytes));
    assertThrows(CallFailed.class, () -> board.restore(STORE, saved), "an older seal's");
    try (Kernel.Hold _ =
        board.core().hold(List.of(board.endpoint(STORE)), TimeUnit.SECONDS.toNanos(100))) {
      board.endpoint(STORE).open(board.endpoint(STORE).server(), null).bind();
    }
    try (Grant grant = memory(0, new byte[4096])) {
      assertTrue(!store.submit(3, Store.READ, 0, grant, 0, 4096), "not before it is heard");
    }
    assertEquals(Store.RESTARTED, store.finished());
    byte[] seen = new byte[4096];
    assertEquals(Store.OK, transfer(4, Store.READ, 4096, seen));
    assertArrayEquals(bytes, seen);
  }

  private void assertLogged(String text) {
    assertTrue(
        board.core().trace().stream().anyMatch(each -> each.contains(text)),
        () -> "'" + text + "' is not in " + board.core().trace());
  }
}
