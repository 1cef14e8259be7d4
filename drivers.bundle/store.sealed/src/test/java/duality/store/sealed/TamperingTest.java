package duality.store.sealed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is done to the store below, nobody reads anything else than what was written. */
class TamperingTest {
  private static final int CASES = 10_000;
  private static final long SEED = Long.getLong("duality.seed", 20_261_123);

  /** Of all disks: to make one takes longer than a case. */
  private static final BlockCipher CIPHER =
      new BlockCipher(
          new byte[BlockCipher.KEY_BYTES], new byte[SealFile.DISK_BYTES], new Random(SEED));

  /** What a store below may do. */
  private enum Kind {
    FLIPS_A_BIT_OF_A_BLOCK,
    FLIPS_A_BIT_OF_THE_TREE,
    PUTS_AN_OLD_BLOCK_BACK,
    PUTS_THE_WHOLE_DISK_BACK,
    PUTS_AN_OLD_NODE_BACK,
    SWAPS_TWO_BLOCKS,
    COPIES_A_BLOCK,
    IS_TRUNCATED,
    ERASES_A_BLOCK,
    LOSES_A_WRITE,
    READS_ELSEWHERE,
    READS_TOO_LITTLE
  }

  /** A disk with a model of what it has to hold. */
  private static final class Case {
    final Random random;
    final String name;
    final Layout layout;
    final ArrayRaw raw;
    final MemorySeal seal = new MemorySeal();
    final TreeMap<Long, byte[]> model = new TreeMap<>();
    SealedDisk disk;

    Case(long seed) {
      random = new Random(seed);
      name = "seed " + seed;
      int blocks = random.nextInt(10) == 0 ? 129 + random.nextInt(200) : 2 + random.nextInt(30);
      int size = (blocks + 2 * (blocks / Layout.FAN + 3)) * Layout.BLOCK;
      layout = Layout.ofRaw(size);
      raw = new ArrayRaw(size);
      reopen();
    }

    /** As after a restart: only the seal is left. */
    void reopen() {
      disk = new SealedDisk(layout, CIPHER, seal, raw, false);
    }

    long anyBlock() {
      return random.nextLong(layout.blocks());
    }

    /** A block that was written. */
    long used() {
      return model.keySet().stream().skip(random.nextInt(model.size())).findFirst().orElseThrow();
    }

    void write(long block) throws IOException {
      byte[] bytes = new byte[Layout.BLOCK];
      random.nextBytes(bytes);
      disk.write(block * Layout.BLOCK, bytes, bytes.length);
      model.put(block, bytes);
    }

    byte[] read(long block) throws IOException {
      byte[] bytes = new byte[Layout.BLOCK];
      disk.read(block * Layout.BLOCK, bytes, bytes.length);
      return bytes;
    }

    byte[] expected(long block) {
      return model.getOrDefault(block, new byte[Layout.BLOCK]);
    }

    /** Reads all that was ever written and some that was not; how often that was refused. */
    int readAll() throws IOException {
      TreeMap<Long, byte[]> all = new TreeMap<>(model);
      for (int i = 0; i < 3; i++) {
        long block = anyBlock();
        all.put(block, expected(block));
      }
      int refused = 0;
      for (var each : all.entrySet()) {
        try {
          assertArrayEquals(each.getValue(), read(each.getKey()), () -> name + ": wrong data");
        } catch (Tampered noticed) {
          refused++;
        }
      }
      return refused;
    }

    /** Does something wrong that has to be noticed when all is read. */
    void tamper(Kind kind) throws IOException {
      long block = used();
      long at = layout.blockOffset(block);
      byte[] before = raw.bytes.clone();
      switch (kind) {
        case FLIPS_A_BIT_OF_A_BLOCK ->
            raw.flip(at + random.nextInt(Layout.BLOCK), random.nextInt(8));
        case FLIPS_A_BIT_OF_THE_TREE -> {
          settle();
          int level = random.nextInt(layout.top() + 1);
          long node = block;
          for (int i = 0; i <= level; i++) {
            node /= Layout.FAN;
          }
          int where = random.nextInt(Layout.BLOCK);
          long offset = layout.nodeOffset(level, node);
          raw.flip(offset + where, 3);
          raw.flip(offset + Layout.BLOCK + where, 3);
        }
        case PUTS_AN_OLD_BLOCK_BACK -> {
          byte[] old = raw.copy(at, Layout.BLOCK);
          write(block);
          perhapsSettle();
          raw.put(at, old);
        }
        case PUTS_THE_WHOLE_DISK_BACK -> {
          write(block);
          perhapsSettle();
          raw.bytes = before;
        }
        case PUTS_AN_OLD_NODE_BACK -> {
          settle();
          long node = layout.nodeOffset(0, block / Layout.FAN);
          byte[] old = raw.copy(node, Layout.PAIR);
          write(block);
          settle();
          write(block);
          settle();
          raw.put(node, old);
        }
        case SWAPS_TWO_BLOCKS -> {
          long other = (block + 1 + random.nextLong(layout.blocks() - 1)) % layout.blocks();
          byte[] mine = raw.copy(at, Layout.BLOCK);
          raw.put(at, raw.copy(layout.blockOffset(other), Layout.BLOCK));
          raw.put(layout.blockOffset(other), mine);
        }
        case COPIES_A_BLOCK -> {
          long other = (block + 1 + random.nextLong(layout.blocks() - 1)) % layout.blocks();
          raw.put(at, raw.copy(layout.blockOffset(other), Layout.BLOCK));
        }
        case IS_TRUNCATED -> raw.bytes = Arrays.copyOf(raw.bytes, (int) at + random.nextInt(4096));
        case ERASES_A_BLOCK -> raw.put(at, new byte[Layout.BLOCK]);
        case LOSES_A_WRITE -> {
          raw.losesWrites = true;
          write(block);
          raw.losesWrites = false;
          perhapsSettle();
        }
        case READS_ELSEWHERE -> raw.shift = 1 + random.nextInt(raw.bytes.length / 2);
        case READS_TOO_LITTLE -> raw.readsAtMost = random.nextInt(Layout.BLOCK);
      }
    }

    /** All is in the tree, and nothing of it in memory. */
    void settle() throws IOException {
      disk.commit();
      reopen();
    }

    void perhapsSettle() throws IOException {
      if (random.nextBoolean()) {
        settle();
      }
    }
  }

  private static Case begun(long seed) throws IOException {
    Case made = new Case(seed);
    int writes = 1 + made.random.nextInt(6);
    for (int i = 0; i < writes; i++) {
      made.write(made.anyBlock());
      if (made.random.nextInt(4) == 0) {
        made.settle();
      }
    }
    made.perhapsSettle();
    return made;
  }

  @Test
  void allOfTenThousandTamperingsAreNoticedAndNothingElseIs() throws IOException {
    int[] noticed = new int[Kind.values().length];
    for (int i = 0; i < CASES; i++) {
      Case each = begun(SEED + i);
      assertEquals(0, each.readAll(), () -> each.name + ": a false alarm");
      Kind kind = Kind.values()[i % Kind.values().length];
      each.tamper(kind);
      int refused = each.readAll();
      assertTrue(refused > 0, () -> each.name + ": nobody notices that the store " + kind);
      noticed[kind.ordinal()]++;
      if (kind == Kind.FLIPS_A_BIT_OF_A_BLOCK || kind == Kind.ERASES_A_BLOCK) {
        assertEquals(1, refused, () -> each.name + ": blocks beside it are read");
        long broken =
            each.model.keySet().stream().filter(block -> !readable(each, block)).findFirst().get();
        each.write(broken);
        assertEquals(0, each.readAll(), () -> each.name + ": what is written anew is right again");
      }
    }
    assertEquals(CASES, Arrays.stream(noticed).sum());
  }

  private static boolean readable(Case of, long block) {
    try {
      assertArrayEquals(of.expected(block), of.read(block));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aCrashAnywhereLeavesEachBlockAsItWasOrAsItWasToBe() throws IOException {
    for (int i = 0; i < 600; i++) {
      Case each = begun(SEED - i);
      TreeMap<Long, byte[]> before = new TreeMap<>(each.model);
      each.raw.livesFor = each.random.nextInt(8);
      int count = 1 + each.random.nextInt((int) Math.min(4, each.layout.blocks() - 1));
      long first = each.random.nextLong(each.layout.blocks() - count + 1);
      byte[] bytes = new byte[count * Layout.BLOCK];
      each.random.nextBytes(bytes);
      boolean done = false;
      try {
        each.disk.write(first * Layout.BLOCK, bytes, bytes.length);
        done = true;
        each.disk.commit();
      } catch (Line.Halted crash) {
        // In the write, or in the tree.
      }
      each.raw.livesFor = Integer.MAX_VALUE;
      each.reopen();
      for (long block = 0; block < each.layout.blocks(); block++) {
        byte[] seen = each.read(block);
        long at = block;
        if (block < first || block >= first + count) {
          assertArrayEquals(
              before.getOrDefault(block, new byte[Layout.BLOCK]), seen, () -> each.name);
          continue;
        }
        int from = (int) (block - first) * Layout.BLOCK;
        byte[] fresh = Arrays.copyOfRange(bytes, from, from + Layout.BLOCK);
        if (!Arrays.equals(fresh, seen)) {
          assertTrue(!done, () -> each.name + ": a write that was done is lost");
          assertArrayEquals(
              before.getOrDefault(block, new byte[Layout.BLOCK]),
              seen,
              () -> each.name + ": block " + at + " is neither");
        }
        assertArrayEquals(seen, each.read(block), () -> each.name + ": and stays that");
      }
    }
  }

  @Test
  void whatWasFlushedIsReadAfterTheHostStoppedHoweverOftenTheTreeWasWrittenSince()
      throws IOException {
    for (int commits = 0; commits < 5; commits++) {
      Case each = new Case(SEED);
      each.write(0);
      each.write(1);
      each.disk.commit();
      each.disk.flush();
      for (int i = 0; i < commits; i++) {
        each.write(0);
        each.disk.commit();
      }
      each.seal.hostStops();
      each.reopen();
      String name = commits + " commits";
      assertArrayEquals(each.expected(1), each.read(1), name);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void whoSawOneOfTwoThatMayBeDoesNotGetTheOther(int which) throws IOException {
    Case each = begun(SEED + which);
    long block = each.used();
    long at = each.layout.blockOffset(block);
    byte[] old = each.raw.copy(at, Layout.BLOCK);
    byte[] before = each.expected(block);
    each.raw.diesAfterWriting = true;
    byte[] bytes = new byte[Layout.BLOCK];
    Arrays.fill(bytes, (byte) 'f');
    try {
      each.disk.write(block * Layout.BLOCK, bytes, bytes.length);
      fail("it dies");
    } catch (Line.Halted crash) {
      each.raw.diesAfterWriting = false;
    }
    byte[] fresh = each.raw.copy(at, Layout.BLOCK);
    each.raw.put(at, old);
    each.reopen();
    if (each.random.nextBoolean()) {
      each.raw.put(at, fresh);
      before = bytes;
      fresh = old;
    }
    assertArrayEquals(before, each.read(block), "either may be");
    each.raw.put(at, fresh);
    for (int i = 0; i < 2; i++) {
      Tampered noticed = assertThrows(Tampered.class, () -> each.read(block));
      assertTrue(noticed.getMessage().contains("block " + block), noticed.getMessage());
      each.reopen();
    }
  }

  @Test
  void partsOfBlocksAreWrittenAndRead() throws IOException {
    Random random = new Random(SEED);
    Case each = new Case(SEED);
    byte[] model = new byte[(int) each.layout.sizeBytes()];
    for (int i = 0; i < 400; i++) {
      int length = random.nextInt(3 * Layout.BLOCK);
      int at = random.nextInt(model.length - length);
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      if (random.nextBoolean()) {
        each.disk.write(at, bytes, length);
        System.arraycopy(bytes, 0, model, at, length);
      } else {
        each.disk.read(at, bytes, length);
        assertArrayEquals(Arrays.copyOfRange(model, at, at + length), bytes, "seed " + SEED);
      }
      if (i % 50 == 0) {
        each.settle();
      }
    }
  }

  @Test
  void aLayoutUsesWhatIsThere() {
    for (long raw : new long[] {12_288, 12_289, 1 << 20, (1 << 20) + 5, 64L << 20, 5L << 40}) {
      Layout layout = Layout.ofRaw(raw);
      assertTrue(layout.blockOffset(layout.blocks()) <= raw, () -> "" + layout);
      assertTrue(raw - layout.blockOffset(layout.blocks()) < 5 * Layout.PAIR, () -> "" + layout);
      assertEquals(1, layout.counts().getLast());
      assertTrue(layout.nodeOffset(layout.top(), 0) + Layout.PAIR == layout.blockOffset(0));
    }
  }
}
