package duality.shell.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How many kinds of object the core has, and what can be done with each. */
final class PrimitivesExperiment implements Experiment {
  private static final int XEN_MECHANISMS = 11;

  @Override
  public String name() {
    return "primitives";
  }

  @Override
  public String question() {
    return "How many mechanisms does the core need for machines, drivers and native programs?";
  }

  @Override
  public String sources() {
    return "HWF+05 in general, Lie96, BDF+03; F10";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Heiser et al. 2006",
            "a microkernel needs one primitive, IPC, in three roles, and a monitor many more: the"
                + " literature list counts eleven mechanisms of Xen"),
        new Prediction(
            "Liedtke 1996", "a microkernel has three abstractions: spaces, threads, IPC"),
        new Prediction("the design", "one primitive, to invoke a capability; few kinds of object"));
  }

  @Override
  public Result run(Trial trial) {
    Map<String, Integer> methods = new TreeMap<>();
    for (String each : trial.kernel().primitives()) {
      methods.merge(each.substring(0, each.indexOf('.')), 1, Integer::sum);
    }
    List<Finding> findings = new ArrayList<>();
    methods.forEach(
        (kind, count) -> findings.add(Finding.figure("methods of " + kind, count.toString())));
    int all = methods.values().stream().mapToInt(Integer::intValue).sum();
    findings.add(
        Finding.of(
            "kinds of object",
            "fewer than Xen's " + XEN_MECHANISMS + " mechanisms",
            Integer.toString(methods.size()),
            methods.size() < XEN_MECHANISMS));
    findings.add(
        Finding.of(
            "kinds of object, beside spaces, threads and IPC",
            "3 (Liedtke)",
            methods.size() + ": " + String.join(", ", methods.keySet()),
            methods.size() <= 3));
    findings.add(Finding.figure("methods in all", Integer.toString(all)));
    return new Result(
        findings,
        "One way to invoke, but "
            + all
            + " methods: whoever counts methods as primitives finds more than in Xen. The list of"
            + " Xen's mechanisms is a reconstruction, not the paper's own table.");
  }
}
