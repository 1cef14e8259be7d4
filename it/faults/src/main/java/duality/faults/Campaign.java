package duality.faults;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Injects faults, many into one JVM and several JVMs side by side.
 *
 * <p>Those into servers that every guest has for itself run in lanes of one JVM; those into servers
 * that all share run alone in theirs. Nothing of a verdict depends on another lane: each has its
 * own guest and servers, failures are told apart by the endpoint's path, and when what all share is
 * harmed, everybody who may have done it is repeated alone.
 */
final class Campaign implements AutoCloseable {
  /** Side by side in a JVM, where each guest has servers of its own. */
  private static final int LANES = 4;

  /** For servers of one guest, and twice as many for shared ones. */
  static final int JVMS = 2;

  private static final int ATTEMPTS = 3;

  private final Installation installation;
  private final Path folder;
  private final Guests guests;
  private final long seed;
  private final int jvmsAtOnce;
  private final Map<Component, Map<FaultKind, List<Site>>> sites = new EnumMap<>(Component.class);
  private final List<Stand> stands = new CopyOnWriteArrayList<>();
  private final List<Stand.Harm> harms = new CopyOnWriteArrayList<>();
  private @Nullable Stand single;
  private int number;
  private volatile boolean closed;

  Campaign(Installation installation, Path folder, boolean linux, long seed) {
    this(installation, folder, new Guests(linux, 1), seed, JVMS);
  }

  Campaign(Installation installation, Path folder, Guests guests, long seed, int jvmsAtOnce) {
    this.jvmsAtOnce = jvmsAtOnce;
    this.installation = installation;
    this.folder = folder;
    this.guests = guests;
    this.seed = seed;
  }

  /** How many JVMs it took so far. */
  int jvms() {
    return stands.stream().mapToInt(Stand::jvms).sum();
  }

  /** All places for faults of a component, by kind. */
  Map<FaultKind, List<Site>> sites(Component component) {
    return sites.computeIfAbsent(
        component,
        each -> {
          Map<FaultKind, List<Site>> byKind = new EnumMap<>(FaultKind.class);
          installation
              .classes(each.bundle)
              .forEach(
                  (file, bytes) -> {
                    if (each.has(file)) {
                      Mutations.sites(file, bytes)
                          .forEach(
                              site ->
                                  byKind
                                      .computeIfAbsent(site.kind(), k -> new ArrayList<>())
                                      .add(site));
                    }
                  });
          return byKind;
        });
  }

  /**
   * A sample: half of it mutants, drawn uniformly from all places; the other half shared out among
   * the other kinds of fault that this component has places for.
   */
  List<Site> sample(Component component, int count, List<FaultKind> kinds) {
    Random random = new Random(seed * 31 + component.ordinal());
    Map<FaultKind, List<Site>> all = sites(component);
    List<FaultKind> directed = new ArrayList<>(kinds);
    directed.remove(FaultKind.MUTANT);
    directed.removeIf(each -> !all.containsKey(each));
    List<Site> sample = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean mutant =
          directed.isEmpty() || (kinds.contains(FaultKind.MUTANT) && random.nextBoolean());
      FaultKind kind = mutant ? FaultKind.MUTANT : directed.get(random.nextInt(directed.size()));
      List<Site> places = all.getOrDefault(kind, List.of());
      if (places.isEmpty()) {
        throw new IllegalArgumentException(component.label() + " has no place for " + kinds);
      }
      sample.add(places.get(random.nextInt(places.size())));
    }
    return sample;
  }

  /**
   * The samples of several kinds of component, in turns, so that a run cut short has some of all.
   */
  List<Task> tasks(List<Component> components, int count, List<FaultKind> kinds) {
    Map<Component, List<Site>> samples = new EnumMap<>(Component.class);
    components.forEach(each -> samples.put(each, sample(each, count, kinds)));
    List<Task> tasks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = i;
      samples.forEach((component, sample) -> tasks.add(new Task(at, component, sample.get(at))));
    }
    return tasks;
  }

  /** Injects one fault, alone. */
  Verdict inject(Component component, Site site) throws IOException, InterruptedException {
    Stand alone = single;
    if (alone == null) {
      alone = stand(1);
      single = alone;
    }
    Stand.Done done = perform(alone, new Task(number++, component, site));
    if (done == null) {
      throw new IllegalStateException("alone nobody else can have done it");
    }
    return done.verdict();
  }

  /** Who hears of each verdict; a later one of the same task takes the place of the earlier. */
  interface Listener {
    void done(Task task, Stand.Done done) throws IOException;
  }

  /**
   * Injects them all, until it is told to stop.
   *
   * @return harm that nobody repeated alone
   */
  List<Stand.Harm> run(List<Task> tasks, Listener listener, BooleanSupplier stop)
      throws IOException, InterruptedException {
    Queue<Task> own = new ConcurrentLinkedQueue<>();
    Queue<Task> shared = new ConcurrentLinkedQueue<>();
    // A Linux guest is for long, and a kept one shall see one fault at a time.
    tasks.forEach(each -> (guests.linux() || each.component().shared() ? shared : own).add(each));
    Crew crew = new Crew(listener, stop);
    for (int i = 0; i < jvmsAtOnce && !own.isEmpty(); i++) {
      crew.start(stand(LANES), own, LANES);
    }
    // They wait more than they work.
    for (int i = 0; i < 2 * jvmsAtOnce && !shared.isEmpty(); i++) {
      crew.start(stand(1), shared, 1);
    }
    crew.join();
    Set<Task> suspects = new LinkedHashSet<>();
    harms.forEach(each -> suspects.addAll(each.suspects()));
    Queue<Task> again = new ConcurrentLinkedQueue<>(suspects);
    for (int i = 0; i < jvmsAtOnce && !again.isEmpty(); i++) {
      crew.start(stand(1), again, 1);
    }
    crew.join();
    Set<Task> guilty = crew.guilty;
    return harms.stream()
        .filter(each -> each.suspects().stream().noneMatch(guilty::contains))
        .distinct()
        .toList();
  }

  /** The threads of a run. */
  private final class Crew {
    private final Listener listener;
    private final BooleanSupplier stop;
    private final List<Thread> threads = new ArrayList<>();
    private final Set<Task> guilty = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Exception failure;

    Crew(Listener listener, BooleanSupplier stop) {
      this.listener = listener;
      this.stop = stop;
    }

    void start(Stand stand, Queue<Task> queue, int lanes) {
      for (int i = 0; i < lanes; i++) {
        Thread thread = new Thread(() -> work(stand, queue), "lane");
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
      }
    }

    private void work(Stand stand, Queue<Task> queue) {
      try {
        Task task;
        while (!closed
            && failure == null
            && !stop.getAsBoolean()
            && (task = queue.poll()) != null) {
          Stand.Done done = perform(stand, task);
          if (done != null && !closed) {
            if (!done.verdict().contained()) {
              guilty.add(task);
            }
            synchronized (this) {
              listener.done(task, done);
            }
          }
        }
      } catch (IOException | InterruptedException | RuntimeException e) {
        failure = e;
      }
    }

    void join() throws IOException, InterruptedException {
      for (Thread each : threads) {
        each.join();
      }
      threads.clear();
      stands.forEach(Stand::close);
      Exception failed = failure;
      if (failed != null) {
        throw new IOException("the campaign cannot go on: " + failed, failed);
      }
    }
  }

  /** Performs it, in one more JVM when the first does not come up. */
  private Stand.@Nullable Done perform(Stand stand, Task task)
      throws IOException, InterruptedException {
    for (int i = 1; ; i++) {
      try {
        return stand.perform(task);
      } catch (IOException e) {
        if (i == ATTEMPTS || closed) {
          throw e;
        }
      }
    }
  }

  private Stand stand(int lanes) {
    Stand stand = new Stand(installation, folder, lanes, guests, seed, harms::add);
    stands.add(stand);
    return stand;
  }

  /** What is in flight counts no more: its JVM is taken away from it. */
  @Override
  public void close() {
    closed = true;
    stands.forEach(Stand::close);
  }
}
