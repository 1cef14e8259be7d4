package duality.faults;

import java.util.ArrayList;
import java.util.List;

/**
 * The guests of a campaign.
 *
 * @param linux whether they are Linux, each kept for as long as no fault left a trace in it
 * @param cpus how many harts each has; nano starts only the first one
 */
record Guests(boolean linux, int cpus) {
  /** As a property of a JVM: how many harts its machines have. */
  static final String CPUS = "duality.faults.cpus";

  Guests {
    if (cpus < 1 || cpus > 8) {
      throw new IllegalArgumentException("--cpus " + cpus + " is not from 1 to 8");
    }
  }

  /** Options for a JVM in which so many of them run side by side, and the second guest. */
  List<String> options(int lanes) {
    List<String> options = new ArrayList<>();
    if (linux) {
      options.addAll(List.of("-XX:TieredStopAtLevel=4", "-Xmx1g"));
    }
    options.add("-D" + CPUS + "=" + cpus);
    // A processor for each hart: one that a fault burns until its deadline is missing to no other.
    options.add("-Dduality.processors=" + (lanes * (linux ? cpus : 1) + 1));
    return options;
  }
}
