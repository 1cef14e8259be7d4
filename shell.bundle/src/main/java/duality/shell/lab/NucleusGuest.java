package duality.shell.lab;

import duality.servers.Personality;
import duality.servers.Root;
import java.util.List;
import java.util.Map;

/**
 * A process of the RC 4000's nucleus that works in rounds ({@code systems rounds}): for each line
 * it computes, takes fresh pages, talks to its child and to the clock.
 */
final class NucleusGuest extends TaskGuest {
  NucleusGuest(Root root, String name) {
    super(
        root,
        name,
        Map.of(
            "server",
            "personality.rc4000",
            "file",
            "systems",
            "args",
            Personality.list(List.of("rounds"))));
  }

  @Override
  String structure() {
    return "nucleus";
  }

  @Override
  List<String> parts() {
    return List.of("", "/pager", "/console");
  }

  @Override
  boolean answers(String command, String seen) {
    return seen.contains("done " + command + " pages") && !seen.contains("NOT");
  }
}
