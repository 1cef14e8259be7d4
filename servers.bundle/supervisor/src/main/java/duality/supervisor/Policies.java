package duality.supervisor;

import duality.kernel.CallFailed;
import duality.kernel.State;
import duality.servers.Supervisor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The rules: those set by command go before those of the file. Its format is said in the file. */
final class Policies {
  private record Line(String pattern, Policy policy) {}

  /** A text that was read, and what it says: a supervisor that is swapped reads the same again. */
  private record Read(String text, List<Line> lines) {}

  private static volatile Read last = new Read("", List.of());

  private final List<Line> file;

  /** Set by command; guarded by this. */
  private final Map<String, Policy> set = new TreeMap<>();

  private Policies(List<Line> file) {
    this.file = List.copyOf(file);
  }

  /**
   * Reads the file.
   *
   * @throws IllegalArgumentException naming the line that is wrong and what would be right
   */
  static Policies read(String text) {
    Read before = last;
    if (!text.isEmpty() && before.text.equals(text)) {
      return new Policies(before.lines);
    }
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (String raw : text.split("\n", -1)) {
      number++;
      String line = raw.replaceFirst("#.*", "").strip();
      if (line.isEmpty()) {
        continue;
      }
      String[] parts = line.split("\\s+", 2);
      if (parts.length < 2) {
        throw new IllegalArgumentException(
            "policy file, line " + number + ": a rule is 'PATTERN STEP[, STEP...]'");
      }
      try {
        lines.add(new Line(parts[0], Policy.parse(parts[1])));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "policy file, line " + number + ": " + e.getMessage(), e);
      }
    }
    if (lines.stream().noneMatch(each -> each.pattern.equals("**"))) {
      throw new IllegalArgumentException("policy file: a last line for ** is missing");
    }
    last = new Read(text, List.copyOf(lines));
    return new Policies(lines);
  }

  /** The policy for an endpoint. */
  synchronized Policy of(String path) {
    Policy exactly = set.get(path);
    if (exactly != null) {
      return exactly;
    }
    for (Map.Entry<String, Policy> each : set.entrySet()) {
      if (matches(each.getKey(), path)) {
        return each.getValue();
      }
    }
    for (Line each : file) {
      if (matches(each.pattern, path)) {
        return each.policy;
      }
    }
    throw new IllegalStateException("no rule for " + path + ", though the file ends with **");
  }

  synchronized void set(String pattern, String policy) {
    if (!pattern.matches("[A-Za-z0-9._*/-]{1,200}")) {
      throw new CallFailed.BadRequest(
          "'" + pattern + "' is no pattern of paths, such as vm/a/blk0 or vm/*/blk*");
    }
    if (policy.isBlank()) {
      if (set.remove(pattern) == null) {
        throw new CallFailed.BadRequest(
            "no rule for '" + pattern + "' was set by command; there are " + set.keySet());
      }
      return;
    }
    try {
      set.put(pattern, Policy.parse(policy));
    } catch (IllegalArgumentException e) {
      throw new CallFailed.BadRequest("policy '" + policy + "': " + e.getMessage());
    }
  }

  synchronized List<Supervisor.Rule> rules() {
    List<Supervisor.Rule> rules = new ArrayList<>();
    set.forEach(
        (pattern, policy) -> rules.add(new Supervisor.Rule(pattern, policy.toString(), "command")));
    file.forEach(
        line -> rules.add(new Supervisor.Rule(line.pattern, line.policy.toString(), "file")));
    return rules;
  }

  synchronized List<State> save() {
    return set.entrySet().stream()
        .map(
            each ->
                State.of("rule", 1)
                    .with("pattern", each.getKey())
                    .with("policy", each.getValue().toString()))
        .toList();
  }

  synchronized void restore(List<State> saved) {
    for (State each : saved) {
      each.expect("rule", 1);
      try {
        set.put(each.text("pattern"), Policy.parse(each.text("policy")));
      } catch (IllegalArgumentException e) {
        throw new State.Refused("rule for " + each.text("pattern") + ": " + e.getMessage());
      }
    }
  }

  /** Whether {@code *} in the pattern, standing for any part of one segment, makes it the path. */
  static boolean matches(String pattern, String path) {
    if (pattern.equals("**")) {
      return true;
    }
    String[] parts = pattern.split("\\*", -1);
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < parts.length; i++) {
      regex.append(i == 0 ? "" : "[^/]*").append(Pattern.quote(parts[i]));
    }
    return path.matches(regex.toString());
  }
}
