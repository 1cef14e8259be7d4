package duality.fuzz;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A small part of a corpus that reaches as much as all of it: the greedy set cover, which always
 * takes the input that reaches most that is new for its bytes. Places count first, then how often
 * they were reached.
 */
final class SmallCorpus {
  /** What a line of a file costs beside its bytes. */
  private static final int LINE = 8;

  /**
   * What an input reaches.
   *
   * @param places bits of {@link Coverage#MAP}
   * @param visits eight bits for each place, of which one says about how often it was reached
   */
  record Reached(byte[] input, BitSet places, BitSet visits) {}

  private final List<Reached> left;
  private final List<byte[]> taken = new ArrayList<>();
  private final BitSet places = new BitSet();
  private final BitSet visits = new BitSet();
  private long bytesLeft;

  private SmallCorpus(List<Reached> all, long mostBytes) {
    left = new ArrayList<>(all);
    bytesLeft = mostBytes;
  }

  /**
   * The inputs of which one needs no more.
   *
   * @param mostBytes of inputs; what exceeds it is left out, whatever it reaches
   */
  static List<byte[]> of(List<Reached> all, long mostBytes) {
    SmallCorpus small = new SmallCorpus(all, mostBytes);
    while (small.take(true) || small.take(false)) {
      // One more is in.
    }
    return small.taken;
  }

  private boolean take(boolean byPlaces) {
    Reached best = null;
    double most = 0;
    for (Reached each : left) {
      BitSet fresh = (BitSet) (byPlaces ? each.places : each.visits).clone();
      fresh.andNot(byPlaces ? places : visits);
      double worth = (double) fresh.cardinality() / (each.input.length + LINE);
      if (worth > most && each.input.length <= bytesLeft) {
        most = worth;
        best = each;
      }
    }
    if (best == null) {
      return false;
    }
    left.remove(best);
    taken.add(best.input);
    places.or(best.places);
    visits.or(best.visits);
    bytesLeft -= best.input.length;
    return true;
  }
}
