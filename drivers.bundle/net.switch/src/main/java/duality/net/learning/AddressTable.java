package duality.net.learning;

import java.util.Arrays;

/**
 * Which port an address was last seen at: 256 sets of four entries, as in a processor's cache, so
 * that the table is of one size whatever is sent.
 *
 * <p>A port has at most {@value #MOST_OF_A_PORT} entries and then replaces its own oldest one; it
 * never takes another port's place unless that is {@linkplain #AGE_NANOS too old}. So who invents
 * addresses harms nobody but himself. An address for which there is no place is not learned: its
 * frames go to all, which is slower and as right.
 *
 * <p>Not thread-safe; allocates nothing after it was made.
 */
final class AddressTable {
  /** IEEE 802.1D-2004 §7.9.2: an address that was not seen for 300 s is forgotten. */
  static final long AGE_NANOS = 300_000_000_000L;

  static final int MOST_OF_A_PORT = 64;

  private static final int SETS = 256;
  private static final int WAYS = 4;
  private static final int NONE = -1;

  private final long[] addresses = new long[SETS * WAYS];
  private final long[] seen = new long[SETS * WAYS];
  private final int[] ports = new int[SETS * WAYS];
  private final int[] counts;

  /** A table for ports 0 to {@code portCount - 1}. */
  AddressTable(int portCount) {
    counts = new int[portCount];
    Arrays.fill(ports, NONE);
  }

  /** The port at which an address is, or -1. */
  int port(long address, long now) {
    int set = set(address);
    for (int i = set; i < set + WAYS; i++) {
      if (ports[i] != NONE && addresses[i] == address) {
        return now - seen[i] <= AGE_NANOS ? ports[i] : NONE;
      }
    }
    return NONE;
  }

  /** An address was seen at a port. */
  void learn(long address, int port, long now) {
    int set = set(address);
    int place = NONE;
    for (int i = set; i < set + WAYS; i++) {
      if (ports[i] == port && addresses[i] == address) {
        seen[i] = now;
        return;
      }
      boolean free = ports[i] == NONE || addresses[i] == address || now - seen[i] > AGE_NANOS;
      place = free && (place == NONE || addresses[i] == address) ? i : place;
    }
    if (counts[port] == MOST_OF_A_PORT) {
      int oldest = oldest(port);
      free(oldest);
      place = place == NONE && oldest >= set && oldest < set + WAYS ? oldest : place;
    }
    if (place != NONE) {
      free(place);
      addresses[place] = address;
      ports[place] = port;
      seen[place] = now;
      counts[port]++;
    }
  }

  private int oldest(int port) {
    int oldest = NONE;
    for (int i = 0; i < ports.length; i++) {
      if (ports[i] == port && (oldest == NONE || seen[i] - seen[oldest] < 0)) {
        oldest = i;
      }
    }
    return oldest;
  }

  private void free(int place) {
    if (ports[place] != NONE) {
      counts[ports[place]]--;
      ports[place] = NONE;
    }
  }

  /** Forgets what was learned of a port. */
  void forget(int port) {
    for (int i = 0; i < ports.length; i++) {
      if (ports[i] == port) {
        free(i);
      }
    }
  }

  /** How many addresses it knows. */
  int size() {
    return Arrays.stream(counts).sum();
  }

  /** What it knows of a port: pairs of an address and its age in nanoseconds. */
  long[] entries(int port, long now) {
    long[] entries = new long[2 * counts[port]];
    int at = 0;
    for (int i = 0; i < ports.length; i++) {
      if (ports[i] == port) {
        entries[at++] = addresses[i];
        entries[at++] = now - seen[i];
      }
    }
    return entries;
  }

  /** Whether the counts are those of the entries. */
  boolean sound() {
    int[] there = new int[counts.length];
    for (int port : ports) {
      if (port != NONE) {
        there[port]++;
      }
    }
    return Arrays.equals(there, counts);
  }

  /** Spreads what differs in any byte over the sets. */
  private static int set(long address) {
    return (int) (address * 0x9e37_79b9_7f4a_7c15L >>> 56) * WAYS;
  }
}
