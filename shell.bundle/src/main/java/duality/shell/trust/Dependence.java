package duality.shell.trust;

import duality.kernel.CapabilityReport;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Who needs whom, by the capabilities that can be called: downwards what an endpoint depends on,
 * upwards who depends on it.
 */
public final class Dependence {
  /** Targets that stand for an engine, which is no endpoint, begin so. */
  public static final String ENGINE = "engine ";

  private final Map<String, List<CapabilityReport>> byHolder = new TreeMap<>();
  private final Map<String, Set<String>> byTarget = new TreeMap<>();
  private final Set<String> owners = new TreeSet<>();

  /** By those edges. */
  public Dependence(Collection<CapabilityReport> edges) {
    for (CapabilityReport edge : edges) {
      if (edge.call()) {
        byHolder.computeIfAbsent(edge.holder(), any -> new java.util.ArrayList<>()).add(edge);
        byTarget.computeIfAbsent(target(edge), any -> new TreeSet<>()).add(edge.holder());
      }
      if (edge.via().equals("engine")) {
        owners.add(edge.holder());
      }
    }
  }

  private static String target(CapabilityReport edge) {
    return edge.kind().equals("Engine") ? ENGINE + edge.target() : edge.target();
  }

  /** The endpoints that have threads: guests. */
  public Set<String> guests() {
    return Set.copyOf(owners);
  }

  /**
   * All that an endpoint can reach, itself first, each with the way there: {@code vm/a > vm/a/blk0
   * (held) > vm/a/store0 (slot backend)}; the nearest first.
   */
  public Map<String, String> below(Collection<String> starts) {
    Map<String, String> ways = new LinkedHashMap<>();
    Deque<String> open = new ArrayDeque<>();
    starts.stream()
        .sorted(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
        .forEach(
            start -> {
              ways.put(start, start);
              open.add(start);
            });
    while (!open.isEmpty()) {
      String from = open.remove();
      for (CapabilityReport edge : byHolder.getOrDefault(from, List.of())) {
        String to = target(edge);
        if (!ways.containsKey(to)) {
          ways.put(to, ways.get(from) + " > " + to + " (" + edge.via() + ")");
          open.add(to);
        }
      }
    }
    return ways;
  }

  /**
   * The guests that can come to wait for one of these endpoints when it is dead.
   *
   * @param spared endpoints for which the core has a means of last resort: nobody waits there
   */
  public Map<String, String> stalled(Collection<String> dead, Predicate<String> spared) {
    Map<String, String> ways = new TreeMap<>();
    for (String guest : owners) {
      Map<String, String> reached = below(List.of(guest));
      for (String each : dead) {
        if (reached.containsKey(each) && !spared.test(each)) {
          ways.putIfAbsent(guest, String.valueOf(reached.get(each)));
        }
      }
    }
    return ways;
  }

  /** Who can call it. */
  public Set<String> clients(String endpoint) {
    return byTarget.getOrDefault(endpoint, Set.of());
  }
}
