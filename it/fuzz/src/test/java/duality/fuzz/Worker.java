package duality.fuzz;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Feeds one target with inputs, keeps those that reach something new, and those that bring
 * something to harm. For one thread.
 */
final class Worker implements AutoCloseable {
  /** Who feeds just now, by its thread. */
  private static final Map<Thread, Worker> FEEDING = new ConcurrentHashMap<>();

  private final String target;
  private final Target fed;
  private final byte[] map;
  private final byte[] seen = new byte[Coverage.PLACES];
  private final List<byte[]> corpus = new ArrayList<>();
  private final List<String> findings = new ArrayList<>();
  private final RandomGenerator random;
  private final Mutations mutations;
  private long inputs;
  private volatile byte[] underWay = {};

  /** A worker with classes of its own. */
  Worker(String target, long seed, List<byte[]> corpus) throws ReflectiveOperationException {
    this.target = target;
    random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    mutations = new Mutations(random);
    CoveredClasses classes = new CoveredClasses(Worker.class.getClassLoader());
    map = (byte[]) classes.loadClass(Coverage.class.getName()).getField("MAP").get(null);
    fed =
        (Target) classes.loadClass("duality.fuzz." + target).getDeclaredConstructor().newInstance();
    corpus.forEach(this::feed);
    while (this.corpus.isEmpty()) {
      feed(mutations.fresh());
    }
  }

  /** Makes up an input and feeds it. */
  void next() {
    feed(random.nextInt(16) == 0 ? mutations.fresh() : mutations.of(corpus));
  }

  private void feed(byte[] input) {
    inputs++;
    underWay = input;
    FEEDING.put(Thread.currentThread(), this);
    java.util.Arrays.fill(map, (byte) 0);
    try {
      fed.run(input);
    } catch (Exception | Error harm) {
      note(input, harm.toString() + List.of(harm.getStackTrace()));
    }
    for (String complaint : fed.complaints()) {
      note(input, complaint);
    }
    if (isNew()) {
      corpus.add(input);
    }
    FEEDING.remove(Thread.currentThread());
  }

  /** What a thread feeds just now; empty when nothing. Anybody may ask. */
  static String underWay(Thread thread) {
    Worker at = FEEDING.get(thread);
    return at == null ? "" : at.named(at.underWay, "is still at it");
  }

  private String named(byte[] input, String what) {
    return target + " " + what + "\n  input " + HexFormat.of().formatHex(input);
  }

  private void note(byte[] input, String what) {
    if (findings.size() < 5) {
      findings.add(named(input, what));
    }
  }

  /** Feeds an input and says what it reached. */
  SmallCorpus.Reached reached(byte[] input) {
    feed(input);
    BitSet places = new BitSet();
    BitSet visits = new BitSet();
    for (int place = 0; place < map.length; place++) {
      int count = map[place] & 0xff;
      if (count != 0) {
        places.set(place);
        visits.set(8 * place + bucket(count));
      }
    }
    return new SmallCorpus.Reached(input, places, visits);
  }

  /** 0 for one visit, 1 for two or three, … 7 for 128 and more. */
  private static int bucket(int visits) {
    return 31 - Integer.numberOfLeadingZeros(visits);
  }

  /** Whether a place was reached for the first time, or twice, four times, … as often as ever. */
  private boolean isNew() {
    boolean found = false;
    for (int place = 0; place < map.length; place++) {
      int visits = map[place] & 0xff;
      if (visits == 0) {
        continue;
      }
      int bucket = bucket(visits);
      if ((seen[place] >> bucket & 1) == 0) {
        seen[place] |= (byte) (1 << bucket);
        found = true;
      }
    }
    return found;
  }

  int places() {
    int count = 0;
    for (byte each : seen) {
      count += each != 0 ? 1 : 0;
    }
    return count;
  }

  long inputs() {
    return inputs;
  }

  List<byte[]> corpus() {
    return corpus;
  }

  List<String> findings() {
    return findings;
  }

  @Override
  public void close() {
    fed.close();
  }
}
