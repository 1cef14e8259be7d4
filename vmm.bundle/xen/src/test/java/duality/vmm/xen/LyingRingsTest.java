package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.BackEnd;
import duality.drivers.Store;
import duality.drivers.testing.TestStore;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.Grant;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.vmm.VirtualMachine;
import duality.vmm.board.Parts;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings that say what cannot be: they end in a status or as broken, and touch nothing else. */
@Timeout(600)
class LyingRingsTest {
  private static final int CONSOLE = 0;
  private static final int DISK = 1;
  private static final int RING = 100;
  private static final int DATA = 101;
  private static final int READABLE = 102;

  @TempDir private Path folder = Path.of("");
  private final TestStore store = new TestStore(new byte[256 * 512], false, 64);
  private XenRig xen;
  private VirtualMachine machine;
  private Domain domain;

  /** A page for the ring, one for data that may be written, one that may be read only. */
  private long ring;

  private long data;
  private long readable;

  @BeforeEach
  void bootAndTakeTheDisk() throws Exception {
    xen = new XenRig(folder);
    xen.rig.core.register("test.store", store, Store.class);
    machine = xen.booted("a", Map.of("disk0", "none", "store0", "test.store"));
    machine.pause();
    domain = xen.domain();
    ring = domain.ports.sharedPage() - 1;
    data = ring - 1;
    readable = ring - 2;
    assertEquals(0, domain.grants.lend(RING, DISK, ring, true));
    assertEquals(0, domain.grants.lend(DATA, DISK, data, true));
    assertEquals(0, domain.grants.lend(READABLE, DISK, readable, false));
    driver().disconnect();
    assertTrue(driver().connect(RING));
  }

  @AfterEach
  void end() {
    xen.close();
  }

  private Parts.SplitDriver split(int number) {
    return domain.drivers.get(number);
  }

  private BackEnd driver() {
    return split(DISK).backEnd();
  }

  private void write(int offset, byte[] bytes) {
    domain.memory.write((ring << 12) + offset, bytes);
  }

  private int word(int offset) {
    try (Grant grant = domain.memory.grant((ring << 12) + offset, 4, Memory.READ)) {
      return grant.getInt(0);
    }
  }

  private void word(int offset, int value) {
    try (Grant grant = domain.memory.grant((ring << 12) + offset, 4, Memory.WRITE)) {
      grant.setInt(0, value);
    }
  }

  /** A request at the next place; answers its status. */
  private int request(int operation, int segments, long sector, int grant, int first, int last) {
    int at = word(BlockBackEnd.REQUESTS);
    put(at, operation, segments, sector, grant, first, last);
    return answer(at);
  }

  /** The status of the request at that place, when it is there. */
  private int answer(int at) {
    until(
        "an answer",
        () -> {
          assertEquals(BackEnd.CONNECTED, driver().state());
          return word(BlockBackEnd.ANSWERS) == at + 1;
        });
    return word(place(at)) >>> 8 & 0xff;
  }

  private static int place(int at) {
    return BlockBackEnd.FIRST + BlockBackEnd.PLACE_BYTES * (at % BlockBackEnd.PLACES);
  }

  private void put(
      int at, int operation, int segments, long sector, int grant, int first, int last) {
    java.nio.ByteBuffer place =
        java.nio.ByteBuffer.allocate(BlockBackEnd.PLACE_BYTES)
            .order(java.nio.ByteOrder.LITTLE_ENDIAN);
    place.put(0, (byte) operation).put(1, (byte) segments).putLong(8, at).putLong(16, sector);
    for (int i = 0; i < BlockBackEnd.SEGMENTS; i++) {
      place.putInt(24 + 8 * i, grant).put(28 + 8 * i, (byte) first).put(29 + 8 * i, (byte) last);
    }
    write(place(at), place.array());
    word(BlockBackEnd.REQUESTS, at + 1);
    split(DISK).kicks().signal(BackEnd.KICK);
  }

  private void until(String what, BooleanSupplier come) {
    long end = System.nanoTime() + XenRig.SECONDS * 1_000_000_000;
    while (!come.getAsBoolean()) {
      assertTrue(System.nanoTime() - end < 0, () -> "not " + what + ": " + driver().state());
      Thread.onSpinWait();
    }
  }

  private void broken() {
    until("broken", () -> driver().state() == BackEnd.BROKEN);
  }

  /** The guest goes on, and no server failed. */
  private void nobodyWasHarmed() {
    machine.resume();
    xen.assertSound("a");
  }

  @Test
  void whatIsAskedForWronglyEndsInItsStatus() {
    assertEquals(BlockBackEnd.DONE, request(1, 1, 0, READABLE, 0, 7), "read by the disk");
    assertEquals(BlockBackEnd.DONE, request(0, 1, 248, DATA, 0, 7));
    assertEquals(
        BlockBackEnd.FAILED, request(0, 1, 0, READABLE, 0, 7), "read into what cannot be written");
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, 103, 0, 7), "not granted");
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, 0, 0, 7), "granted to the console");
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, 2048, 0, 7));
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, -1, 0, 7));
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, DATA, 5, 4));
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, DATA, 0, 8), "beyond the page");
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 249, DATA, 0, 7), "beyond the disk");
    assertEquals(BlockBackEnd.FAILED, request(0, 1, -8, DATA, 0, 7));
    assertEquals(BlockBackEnd.FAILED, request(1, 1, Long.MAX_VALUE, DATA, 0, 7));
    assertEquals(BlockBackEnd.FAILED, request(0, 12, 0, DATA, 0, 0), "too many segments");
    assertEquals(BlockBackEnd.UNKNOWN, request(3, 1, 0, DATA, 0, 0));
    assertEquals(BlockBackEnd.DONE, request(2, 0, 0, 0, 0, 0));
    assertEquals(BlockBackEnd.DONE, request(0, 11, 0, DATA, 0, 7));
    nobodyWasHarmed();
  }

  @Test
  void countersThatCannotBeBreakTheRingUntilItIsConnectedAnew() {
    for (int wrong : new int[] {33, 1000, -1, Integer.MIN_VALUE}) {
      word(BlockBackEnd.REQUESTS, wrong);
      split(DISK).kicks().signal(BackEnd.KICK);
      broken();
      assertTrue(driver().connect(RING), "it can begin again");
      assertEquals(BlockBackEnd.DONE, request(0, 1, 0, DATA, 0, 7));
    }
    assertFalse(driver().connect(DATA), "it is connected");
    nobodyWasHarmed();
  }

  @Test
  void aGrantInUseStaysAndOneThatIsTakenBackIsGone() {
    assertEquals(Refusal.BUSY, domain.grants.end(RING));
    assertEquals(0, domain.grants.end(DATA));
    assertEquals(BlockBackEnd.FAILED, request(0, 1, 0, DATA, 0, 7));
    driver().disconnect();
    assertEquals(0, domain.grants.end(RING));
    assertFalse(driver().connect(RING));
    assertFalse(driver().connect(READABLE), "it cannot be written");
    assertFalse(driver().connect(-1));
    assertFalse(driver().connect(BackEnd.GRANTS));
    nobodyWasHarmed();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAPredecessorLentIsGivenBackThoughItsRequestIsInTheRingNoMore(boolean lost) {
    store.hold(true);
    int at = word(BlockBackEnd.REQUESTS);
    put(at, 0, 1, 0, DATA, 0, 7);
    until("at the store", () -> store.held() == 1);
    word(BlockBackEnd.REQUESTS, at); // the guest takes it back, which it may not
    xen.replace("vm/a/vbd0", "xen.blk");
    xen.replace("vm/a/vbd0", "xen.blk");
    store.hold(false);
    if (lost) {
      store.loseAll();
    } else {
      store.finish(0, Store.OK);
    }
    assertEquals(0, domain.grants.end(DATA), "nobody has it any more");
    assertEquals(BlockBackEnd.DONE, request(1, 1, 0, READABLE, 0, 7));
    nobodyWasHarmed();
  }

  @Test
  void whatOneThatHungHadAtTheStoreIsDoneOnceAndItsMemoryGivenBack() {
    store.hold(true);
    int at = word(BlockBackEnd.REQUESTS);
    put(at, 1, 1, 0, READABLE, 0, 7);
    until("at the store", () -> store.held() == 1);
    xen.replaceHung("vm/a/vbd0", "xen.blk");
    put(at + 1, 2, 0, 0, 0, 0, 0);
    until("a flush at the store, too", () -> store.held() > 1);
    assertEquals(2, store.held(), "the write is asked for once");
    store.finish(0, Store.OK);
    store.finish(0, Store.OK);
    assertEquals(BlockBackEnd.DONE, answer(at + 1));
    assertEquals(BlockBackEnd.DONE, word(place(at)) >>> 8 & 0xff);
    assertEquals(0, domain.grants.end(READABLE), "nobody has it any more");
    nobodyWasHarmed();
  }

  /** A back half that takes nothing. */
  private static final class Lazy extends RingBackEnd {
    Lazy(Context context, State saved) {
      super(context);
      restoreRing(saved);
      begin();
    }

    @Override
    boolean work(@Nullable Grant page) {
      return false;
    }

    @Override
    long untaken(Grant page) {
      return page.getInt(BlockBackEnd.REQUESTS) == 0 ? NOTHING : 0;
    }

    @Override
    void fresh(Grant page) {}

    @Override
    void left() {}

    @Override
    boolean uses(int grant) {
      return false;
    }

    @Override
    State save(State state) {
      return state;
    }

    @Override
    String schema() {
      return "xen.blk";
    }

    @Override
    public long sizeBytes() {
      return 0;
    }

    @Override
    public boolean readOnly() {
      return false;
    }
  }

  @Test
  void aBackHalfThatTakesNothingIsFoundOutWhenSomethingIsThere() {
    xen.rig.core.register(
        "xen.lazy",
        (context, saved) -> new Lazy(context, Objects.requireNonNull(saved)),
        BackEnd.class);
    xen.replace("vm/a/vbd0", "xen.lazy");
    Endpoint endpoint = xen.rig.core.kernel().endpoint("vm/a/vbd0");
    for (int i = 0; i < 20; i++) {
      endpoint.check();
    }
    assertEquals(List.of(), xen.rig.core.failures(0), "there is nothing to do");
    word(BlockBackEnd.REQUESTS, 1);
    until(
        "found out",
        () -> {
          if (xen.rig.core.failures(0).isEmpty()) {
            try {
              endpoint.check();
            } catch (CallFailed failed) {
              // That is it.
            }
          }
          return !xen.rig.core.failures(0).isEmpty();
        });
    String reason = xen.rig.core.failures(0).getFirst().reason();
    assertTrue(reason.contains("is not taken"), reason);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomRingsTouchNothingThatWasNotGranted(long seed) {
    Random random = new Random(seed);
    byte[] before = allButGranted();
    for (int round = 0; round < 200; round++) {
      byte[] noise = new byte[4096];
      random.nextBytes(noise);
      if (random.nextBoolean()) {
        sensible(noise, random);
      }
      write(0, noise);
      split(DISK).kicks().signal(BackEnd.KICK);
      domain.drivers.get(CONSOLE).kicks().signal(BackEnd.KICK);
      if (driver().state() == BackEnd.BROKEN) {
        driver().connect(RING);
      }
    }
    driver().disconnect();
    assertArrayEquals(before, allButGranted(), "seed " + seed);
    nobodyWasHarmed();
  }

  /** Requests that nearly are. */
  private static void sensible(byte[] page, Random random) {
    java.nio.ByteBuffer all =
        java.nio.ByteBuffer.wrap(page).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    all.putInt(BlockBackEnd.REQUESTS, random.nextInt(40)).putInt(BlockBackEnd.ANSWERS, 0);
    for (int i = 0; i < BlockBackEnd.PLACES; i++) {
      int at = BlockBackEnd.FIRST + BlockBackEnd.PLACE_BYTES * i;
      all.put(at, (byte) random.nextInt(3)).put(at + 1, (byte) random.nextInt(12));
      all.putLong(at + 16, random.nextInt(300) - 10);
      for (int s = 0; s < BlockBackEnd.SEGMENTS; s++) {
        all.putInt(at + 24 + 8 * s, 95 + random.nextInt(10));
        all.put(at + 28 + 8 * s, (byte) random.nextInt(9));
        all.put(at + 29 + 8 * s, (byte) random.nextInt(9));
      }
    }
  }

  /** Memory that is there, without the pages that the disk may write. */
  private byte[] allButGranted() {
    byte[] all = new byte[domain.pages.count() * 4096];
    for (int i = 0; i < domain.pages.count(); i++) {
      long page = domain.pages.first() + i;
      boolean written = page == ring || page == data;
      long[] grants = domain.grants.save().numbers("all");
      for (int g = 0; g < grants.length; g += 3) {
        written |= grants[g + 2] == page && (grants[g + 1] & 1) != 0;
      }
      if (!written
          && page != domain.ports.sharedPage()
          && domain.memory.space().frameAt(page) >= 0) {
        try (Grant grant = domain.memory.grant(page << 12, 4096, Memory.READ)) {
          grant.read(0, MemorySegment.ofArray(all), i * 4096L, 4096);
        }
      }
    }
    return Arrays.copyOf(all, all.length);
  }
}
