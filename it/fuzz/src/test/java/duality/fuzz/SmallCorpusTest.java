package duality.fuzz;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SmallCorpusTest {
  private static SmallCorpus.Reached reached(int bytes, int... places) {
    BitSet set = new BitSet();
    for (int place : places) {
      set.set(place);
    }
    return new SmallCorpus.Reached(new byte[bytes], set, set);
  }

  @Test
  void whatReachesNothingNewIsLeftOut() {
    List<byte[]> small =
        SmallCorpus.of(
            List.of(
                reached(10, 1, 2, 3), reached(11, 2, 3), reached(12, 3, 4), reached(200, 1, 2, 4)),
            1_000);
    assertEquals(List.of(10, 12), small.stream().map(each -> each.length).toList());
  }

  @Test
  void placesComeBeforeHowOftenTheyWereReached() {
    BitSet place = BitSet.valueOf(new long[] {1});
    BitSet another = BitSet.valueOf(new long[] {2});
    List<byte[]> small =
        SmallCorpus.of(
            List.of(
                new SmallCorpus.Reached(new byte[10], place, BitSet.valueOf(new long[] {1})),
                new SmallCorpus.Reached(new byte[11], place, BitSet.valueOf(new long[] {0xfe})),
                new SmallCorpus.Reached(new byte[12], another, BitSet.valueOf(new long[] {256}))),
            22);
    assertEquals(List.of(10, 12), small.stream().map(each -> each.length).toList());
  }

  @Test
  void allThatWasReachedIsReachedByFewerBytes() {
    Random random = new Random(1);
    List<SmallCorpus.Reached> all = new ArrayList<>();
    BitSet total = new BitSet();
    for (int i = 0; i < 200; i++) {
      int[] places = random.ints(20, 0, 300).toArray();
      SmallCorpus.Reached one = reached(20 + random.nextInt(50), places);
      all.add(one);
      total.or(one.places());
    }
    List<byte[]> small = SmallCorpus.of(all, Long.MAX_VALUE);
    BitSet reached = new BitSet();
    all.stream().filter(each -> small.contains(each.input())).forEach(e -> reached.or(e.places()));
    assertEquals(total, reached);
    assertTrue(small.size() < 80, () -> small.size() + " of 200");
  }

  @Test
  void aWorkerSaysWhatAnInputReaches() throws Exception {
    byte[] input = {1};
    try (Worker worker = new Worker("ProgramTarget", 1, List.of(input))) {
      assertArrayEquals(input, worker.corpus().getFirst());
      SmallCorpus.Reached reached = worker.reached(input);
      assertTrue(reached.places().cardinality() > 0, "it reaches something");
      assertEquals(reached.places().cardinality(), reached.visits().cardinality(), "one bit each");
    }
  }
}
