package duality.faults;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * The control: mutants of the core itself, each in a JVM of its own. The core is what contains
 * others; nothing contains it, so a campaign in which such mutants do no harm would prove nothing.
 */
final class CoreControl {
  private static final String CORE = "duality.kernel";
  private static final long PATIENCE_MILLIS = 1_500;

  private final Installation installation;
  private final Path folder;
  private final long seed;

  CoreControl(Installation installation, Path folder, long seed) {
    this.installation = installation;
    this.folder = folder;
    this.seed = seed;
  }

  /** Says whether at least one of them brought the system down. */
  boolean run(int count, boolean verbose) throws IOException, InterruptedException {
    Map<String, Integer> outcomes = run(count, verbose ? System.out::println : line -> {});
    System.out.println("mutants of the core: " + count + ", of them " + outcomes);
    return outcomes.keySet().stream().anyMatch(each -> !each.equals("no difference"));
  }

  Map<String, Integer> run(int count, java.util.function.Consumer<String> each)
      throws IOException, InterruptedException {
    List<Site> places = new ArrayList<>();
    installation
        .classes(CORE)
        .forEach(
            (file, bytes) -> {
              if (file.startsWith("duality/kernel/core/")) {
                Mutations.sites(file, bytes).stream()
                    .filter(site -> site.kind() == FaultKind.MUTANT)
                    .forEach(places::add);
              }
            });
    Random random = new Random(seed);
    Map<String, Integer> outcomes = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      Site site = places.get(random.nextInt(places.size()));
      Path bundles = installation.withMutatedBundle(folder.resolve("core" + i), CORE, site);
      String outcome = outcome(bundles, i);
      each.accept(site.text() + ": " + outcome);
      outcomes.merge(outcome, 1, Integer::sum);
    }
    return outcomes;
  }

  private String outcome(Path bundles, int number) throws IOException, InterruptedException {
    try (ChildJvm jvm =
        new ChildJvm(installation, bundles, folder.resolve("control" + number), List.of())) {
      Guest a = new Guest(jvm, "a", folder.resolve("a.img"), seed, PATIENCE_MILLIS);
      Guest b = new Guest(jvm, "b", folder.resolve("b.img"), seed + 1, PATIENCE_MILLIS);
      a.boot();
      b.boot();
      for (int i = 0; i < 3; i++) {
        a.round();
        b.round();
        jvm.ask(
            10_000, "swap", "scheduler", i % 2 == 0 ? "scheduler.roundrobin" : "scheduler.fair");
        jvm.ask(10_000, "swap", "vm/a/pager", i % 2 == 0 ? "pager.pinned" : "pager.demand");
      }
      a.remove();
      b.remove();
      return "no difference";
    } catch (ChildJvm.Silent e) {
      return "dead or silent";
    } catch (ChildJvm.Failed e) {
      return "refuses what is right";
    } catch (Deviation e) {
      return e.wrong ? "a guest got wrong answers" : "a guest hangs";
    }
  }
}
