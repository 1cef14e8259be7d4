package duality.supervisor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What is done about the failures of an endpoint.
 *
 * @param steps from the first to the last
 * @param exact whether only what the failed instance saves, or left as a checkpoint itself, will do
 * @param checkpointNanos between two checkpoints; 0 for none
 */
record Policy(List<Step> steps, boolean exact, long checkpointNanos) {
  private static final int MOST_TIMES = 100;
  private static final Pattern TIMES = Pattern.compile("([a-z]+)(?:\\*(\\d{1,3}))?");
  private static final Pattern TIME = Pattern.compile("(\\d{1,6})(ms|s)");

  /**
   * Reads a policy.
   *
   * @throws IllegalArgumentException saying what is wrong and what would be right
   */
  static Policy parse(String text) {
    List<Step> steps = new ArrayList<>();
    boolean exact = false;
    long checkpoint = 0;
    for (String word : text.strip().split("[,\\s]+", -1)) {
      if (word.equals("exact")) {
        exact = true;
      } else if (word.startsWith("checkpoint=")) {
        checkpoint = time(word.substring("checkpoint=".length()));
      } else {
        steps.add(step(word));
      }
    }
    if (steps.isEmpty()) {
      throw new IllegalArgumentException("a policy has at least one step: " + names());
    }
    if (exact && checkpoint > 0) {
      throw new IllegalArgumentException(
          "'exact' and 'checkpoint=': a checkpoint from some time ago is not the last state");
    }
    return new Policy(List.copyOf(steps), exact, checkpoint);
  }

  private static Step step(String word) {
    Matcher matcher = TIMES.matcher(word);
    if (matcher.matches()) {
      int times = matcher.group(2) == null ? 1 : Integer.parseInt(matcher.group(2));
      for (Step.Action action : Step.Action.values()) {
        if (action.name().toLowerCase(Locale.ROOT).equals(matcher.group(1))) {
          if (times < 1 || times > MOST_TIMES) {
            throw new IllegalArgumentException(
                "'" + word + "': a step is tried 1 to " + MOST_TIMES + " times");
          }
          return new Step(action, times);
        }
      }
    }
    throw new IllegalArgumentException(
        "'" + word + "' is none of " + names() + " (also STEP*TIMES), exact, checkpoint=TIME");
  }

  private static String names() {
    return Arrays.stream(Step.Action.values())
        .map(each -> each.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(", "));
  }

  private static long time(String text) {
    Matcher matcher = TIME.matcher(text);
    if (!matcher.matches() || Long.parseLong(matcher.group(1)) == 0) {
      throw new IllegalArgumentException("'" + text + "' is no time such as 500ms or 2s");
    }
    long count = Long.parseLong(matcher.group(1));
    return matcher.group(2).equals("s")
        ? TimeUnit.SECONDS.toNanos(count)
        : TimeUnit.MILLISECONDS.toNanos(count);
  }

  @Override
  public String toString() {
    return steps.stream().map(Step::toString).collect(Collectors.joining(", "))
        + (exact ? " exact" : "")
        + (checkpointNanos == 0
            ? ""
            : " checkpoint=" + TimeUnit.NANOSECONDS.toMillis(checkpointNanos) + "ms");
  }
}
