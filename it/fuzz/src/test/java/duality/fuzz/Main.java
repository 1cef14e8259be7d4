package duality.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Fuzzes for minutes on all processors, and says whether anything came to harm. */
public final class Main {
  private static final List<String> TARGETS =
      List.of(
          "MachineTarget", "DeviceTarget", "ProgramTarget", "SbiTarget", "GdbTarget", "XenTarget");

  private static final String ANY = ".+";

  /** What each option takes. */
  private static final Map<String, String> OPTIONS =
      new TreeMap<>(
          Map.of(
              "--minutes", "[0-9]{1,5}([.][0-9]{1,3})?",
              "--workers", "[1-9][0-9]?",
              "--seed", "-?[0-9]{1,18}",
              "--corpus", ANY,
              "--empty", "yes|no",
              "--minimise", ANY));

  /** How long a worker may take for its last input, more than any target waits for anything. */
  private static final long PATIENCE_SECONDS = 150;

  /** What memory may grow by between the first fifth of a run and its end. */
  private static final long MOST_GROWTH = 48L << 20;

  private final ConcurrentLinkedQueue<String> harm = new ConcurrentLinkedQueue<>();
  private final Map<String, long[]> totals = new LinkedHashMap<>();
  private final Map<String, List<byte[]>> kept = new LinkedHashMap<>();

  /** Bytes of inputs that a target may have in the sources: twice as many hexadecimal digits. */
  private static final long MOST_KEPT = 22_000;

  private static final Path SOURCES = Path.of("it/fuzz/src/test/resources/duality/fuzz");

  /** What to begin with, by target. */
  private final Map<String, List<byte[]>> start = new LinkedHashMap<>();

  private Main() {}

  /**
   * {@code --minutes N --workers N --seed N --corpus FOLDER --empty yes}, or {@code --minimise
   * FOLDER}.
   */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> options;
    try {
      options = options(List.of(arguments));
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage() + "; --help says more");
      System.exit(2);
      return;
    }
    double minutes = Double.parseDouble(options.getOrDefault("--minutes", "10"));
    int processors = Runtime.getRuntime().availableProcessors();
    int workers = Integer.parseInt(options.getOrDefault("--workers", Integer.toString(processors)));
    long seed = Long.parseLong(options.getOrDefault("--seed", Long.toString(System.nanoTime())));
    Main main = new Main();
    if (options.containsKey("--minimise")) {
      System.exit(main.minimise(Path.of(options.get("--minimise")), seed) ? 0 : 1);
    }
    for (String target : TARGETS) {
      List<byte[]> inputs = new ArrayList<>();
      if (!options.getOrDefault("--empty", "no").equals("yes")) {
        inputs.addAll(Corpus.of(target));
      }
      if (options.containsKey("--corpus")) {
        inputs.addAll(Corpus.of(target, Path.of(options.get("--corpus"))));
      }
      main.start.put(target, inputs);
    }
    boolean well = main.run((long) (minutes * 60e9), workers, seed);
    if (options.containsKey("--corpus")) {
      main.save(Path.of(options.get("--corpus")));
    }
    System.exit(well ? 0 : 1);
  }

  /**
   * Options and their values.
   *
   * @throws IllegalArgumentException saying what is wrong with one
   */
  static Map<String, String> options(List<String> words) {
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i < words.size(); i += 2) {
      String option = words.get(i);
      String form = OPTIONS.get(option);
      if (form == null) {
        throw new IllegalArgumentException(
            option + " is no option; there are " + String.join(", ", OPTIONS.keySet()));
      }
      if (i + 1 == words.size() || !words.get(i + 1).matches(form)) {
        throw new IllegalArgumentException(
            option
                + (i + 1 == words.size() ? " needs a value" : " cannot be " + words.get(i + 1))
                + (form.equals(ANY) ? "" : ": " + form));
      }
      options.put(option, words.get(i + 1));
    }
    return options;
  }

  private boolean run(long nanos, int workers, long seed) throws Exception {
    System.out.printf("seed %d, %d workers, %d s%n", seed, workers, nanos / 1_000_000_000);
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, death) -> harm.add("thread " + thread.getName() + " died: " + death));
    List<Thread> threads = new ArrayList<>();
    long start = System.nanoTime();
    for (int w = 0; w < workers; w++) {
      int number = w;
      Thread thread = new Thread(() -> work(number, workers, nanos, seed + number), "fuzz-" + w);
      thread.start();
      threads.add(thread);
    }
    // Memory when all is warm, and at the end.
    TimeUnit.NANOSECONDS.sleep(nanos / 5);
    Set<String> atWork = names();
    long before = used();
    long host = residentBytes();
    TimeUnit.NANOSECONDS.sleep(Math.max(0, nanos - nanos / 20 - (System.nanoTime() - start)));
    Set<String> dead =
        atWork.stream().filter(n -> !names().contains(n)).collect(Collectors.toSet());
    long after = used();
    long hostAfter = residentBytes();
    long last = start + nanos + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    for (Thread each : threads) {
      each.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(last - System.nanoTime())));
      if (each.isAlive()) {
        String stack = List.of(each.getStackTrace()).toString();
        harm.add(each.getName() + " does not end: " + stack + " " + Worker.underWay(each));
      }
    }
    synchronized (totals) {
      totals.forEach(
          (name, t) ->
              System.out.printf(
                  "%-14s %9d inputs, %5d places reached, %4d inputs kept%n",
                  name, t[0], t[1], t[2]));
    }
    System.out.printf(
        "heap %d KiB, then %d KiB; resident %d KiB, then %d KiB%n",
        before >> 10, after >> 10, host >> 10, hostAfter >> 10);
    if (after - before > MOST_GROWTH) {
      harm.add("the heap has grown by " + (after - before >> 10) + " KiB");
    }
    dead.forEach(name -> harm.add("thread " + name + " is not there any more"));
    harm.forEach(System.out::println);
    System.out.println(harm.isEmpty() ? "nothing came to harm" : harm.size() + " findings");
    return harm.isEmpty();
  }

  /** Each worker has all targets in turn, the machine most of the time. */
  private void work(int number, int workers, long nanos, long seed) {
    long end = System.nanoTime() + nanos;
    List<Worker> fed = new ArrayList<>();
    try {
      for (String target : TARGETS) {
        fed.add(new Worker(target, seed, start.getOrDefault(target, List.of())));
      }
      long[] shares = {4, 2, 1, 2, 1, 2};
      while (System.nanoTime() < end) {
        for (int t = 0; t < fed.size(); t++) {
          long until = System.nanoTime() + shares[t] * 100_000_000L;
          while (System.nanoTime() < Math.min(until, end)) {
            fed.get(t).next();
          }
        }
      }
    } catch (ReflectiveOperationException e) {
      harm.add("worker " + number + " of " + workers + ": " + e);
    }
    synchronized (totals) {
      for (int t = 0; t < fed.size(); t++) {
        Worker worker = fed.get(t);
        String name = TARGETS.get(t);
        long[] total = totals.computeIfAbsent(name, n -> new long[3]);
        total[0] += worker.inputs();
        total[1] = Math.max(total[1], worker.places());
        total[2] += worker.corpus().size();
        kept.computeIfAbsent(name, n -> new ArrayList<>()).addAll(worker.corpus());
        harm.addAll(worker.findings());
      }
    }
    fed.forEach(Worker::close);
  }

  /** Threads of cores: they are there as long as the cores are. */
  private static Set<String> names() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(each -> each.isAlive() && !each.isVirtual())
        .map(each -> each.getName() + "#" + each.threadId())
        .filter(name -> name.startsWith("processor") || name.startsWith("watchdog"))
        .collect(Collectors.toSet());
  }

  private static long used() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static long residentBytes() throws IOException {
    String[] fields = Files.readString(Path.of("/proc/self/statm")).split(" ");
    return Long.parseLong(fields[1]) * 4096;
  }

  private void save(Path folder) throws IOException {
    for (Map.Entry<String, List<byte[]>> each : kept.entrySet()) {
      Corpus.save(each.getKey(), folder, each.getValue());
    }
    System.out.println("kept in " + folder + ": " + Arrays.toString(folder.toFile().list()));
  }

  /**
   * Puts the smallest part of a folder's corpus and of that in the sources, which reaches as much
   * as both, into the sources.
   */
  private boolean minimise(Path folder, long seed)
      throws IOException, ReflectiveOperationException {
    for (String target : TARGETS) {
      List<byte[]> inputs = new ArrayList<>(Corpus.of(target));
      inputs.addAll(Corpus.of(target, folder));
      List<SmallCorpus.Reached> all = new ArrayList<>();
      BitSet places = new BitSet();
      try (Worker worker = new Worker(target, seed, List.of())) {
        inputs.forEach(each -> all.add(worker.reached(each)));
        all.forEach(each -> places.or(each.places()));
        harm.addAll(worker.findings());
      }
      List<byte[]> small = SmallCorpus.of(all, MOST_KEPT);
      try (Worker worker = new Worker(target, seed, small)) {
        System.out.printf(
            "%-14s %4d inputs of %4d, which reach %5d places of %5d, %6d bytes%n",
            target,
            small.size(),
            inputs.size(),
            worker.places(),
            places.cardinality(),
            Corpus.save(target, SOURCES, small));
      }
    }
    harm.forEach(System.out::println);
    return harm.isEmpty();
  }
}
