package duality.shell.lab;

import duality.shell.trust.TrustedBase;
import duality.shell.trust.TrustedBase.Trusted;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a guest has to trust, whether what it does not use is left out, and whether a wrapper makes
 * a store usable that is not trusted.
 */
final class TrustExperiment implements Experiment {
  /** Enforced by the build as well (CoreBudgetTest). */
  private static final long CORE_BUDGET = 4_600;

  /** Of any one service that a guest of a machine uses. */
  private static final long SERVER_BUDGET = 3_000;

  @Override
  public String name() {
    return "trust";
  }

  @Override
  public String question() {
    return "How much code must a guest trust, does it grow by what the guest does not use, and can"
        + " it use what it does not trust?";
  }

  @Override
  public String sources() {
    return "HPHS04; F09";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Hohmuth et al. 2004",
            "with IPC a guest trusts the core and the servers that it uses, and no others; the"
                + " security-relevant part is tens of thousands of lines"),
        new Prediction(
            "Hohmuth et al. 2004, of wrappers",
            "a small trusted wrapper makes an untrusted service usable: over hostile storage it"
                + " notices all tampering, and nobody reads wrong data"),
        new Prediction(
            "a monitor with one driver domain",
            "every guest trusts the whole of that domain, also what only others use"),
        new Prediction(
            "a sceptic, of wrappers",
            "old blocks get through when they are put back, since they were right once"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    TrustedBase base = new TrustedBase(trial.context(), trial.kernel());
    Guests guests = new Guests(trial);
    try (NanoGuest with = guests.make("with", true);
        NanoGuest without = guests.make("without", false)) {
      with.boot();
      without.boot();
      trial.say().accept("two guests are up, whose servers are counted");
      List<Trusted> more = base.of(with.path());
      List<Trusted> less = new TrustedBase(trial.context(), trial.kernel()).of(without.path());
      Set<String> extra = names(more);
      extra.removeAll(names(less));
      List<Finding> findings = new ArrayList<>();
      for (String part :
          List.of("core", "server", "authority", "weaver", "library", "client", "framework")) {
        findings.add(Finding.figure("lines of " + part, Long.toString(lines(less, part))));
      }
      for (Trusted each : more) {
        if (each.part().equals("core") || each.part().equals("server")) {
          long budget = each.part().equals("core") ? CORE_BUDGET : SERVER_BUDGET;
          findings.add(
              Finding.of(
                  "lines of " + each.name(),
                  "at most " + budget,
                  Long.toString(each.lines()),
                  each.lines() <= budget));
        }
      }
      long ours =
          lines(less, "core")
              + lines(less, "server")
              + lines(less, "authority")
              + lines(less, "weaver");
      findings.add(
          Finding.of(
              "core, servers, authority and weaver",
              "tens of thousands of lines at most (Hohmuth et al.)",
              ours + " lines",
              ours < 100_000));
      findings.add(
          Finding.figure("lines of JDK modules", Long.toString(lines(less, "JDK module"))));
      findings.add(
          Finding.of(
              "what only the guest with a disk trusts",
              "[duality.store.file, duality.virtio.blk], since both have virtio for their agent's"
                  + " port",
              extra.toString(),
              extra.equals(Set.of("duality.store.file", "duality.virtio.blk"))));
      findings.addAll(new Tampering(trial).run(trial.rounds()));
      return new Result(
          findings,
          "A guest's data need not trust the store that keeps them, only the wrapper; that the"
              + " store answers at all it must. The base of the design is small; below it lies a"
              + " JDK of hundreds of thousands of lines, which this system cannot take away. In one"
              + " JVM a hostile bundle reaches further than any capability says.");
    }
  }

  private record Guests(Trial trial) {
    NanoGuest make(String name, boolean disk) throws Exception {
      return new NanoGuest(
          trial.root(),
          "lab-" + name,
          trial.boot("nano"),
          disk ? trial.folder().resolve("disk") : null,
          "");
    }
  }

  private static Set<String> names(List<Trusted> rows) {
    return rows.stream()
        .filter(each -> !each.part().startsWith("=") && !each.part().startsWith("client"))
        .filter(each -> !each.part().startsWith("JDK"))
        .map(Trusted::name)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static long lines(List<Trusted> rows, String part) {
    return rows.stream().filter(each -> each.part().equals(part)).mapToLong(Trusted::lines).sum();
  }
}
