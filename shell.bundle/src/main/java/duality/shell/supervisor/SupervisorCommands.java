package duality.shell.supervisor;

import duality.servers.Supervisor;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.Span;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Shows what failed and what was done, and sets what is done next time. */
@Component(service = SupervisorCommands.class, immediate = true)
public final class SupervisorCommands extends CommandGroup {
  private static final String SCOPE = "supervisor";

  private final Supervisor supervisor;

  /** With whom it asks. */
  @Activate
  public SupervisorCommands(@Reference Supervisor supervisor) {
    this.supervisor = supervisor;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "log", "Lists the last failures of servers and what was done.")
                .mayTake("NUMBER", Kind.COUNT, "all that is known about that one")
                .option("--last", Kind.COUNT, "only so many of them"),
            this::log),
        new Command(
            Syntax.of(SCOPE, "policy", "Lists the rules of recovery, or sets one.")
                .mayTake("PATTERN", Kind.ENDPOINT, "which endpoints; * stands for one part")
                .takesRest("POLICY", Kind.TEXT, "steps from left to right; 'default' ends it", true)
                .note("supervisor:policy vm/*/blk* 'restart*2, giveup'")
                .note("Steps: restart, fresh, spare, fallback, giveup; STEP*TIMES; then exact,")
                .note("checkpoint=TIME. The file 'policies' in the bundle explains them."),
            this::policy),
        new Command(
            Syntax.of(SCOPE, "list", "Lists the endpoints with their failures and rules."),
            call -> supervisor.watched()));
  }

  /** A failure in one line. */
  record Line(
      long number,
      String time,
      String endpoint,
      String server,
      String kind,
      String outcome,
      String after,
      String reason) {
    static Line of(Supervisor.Incident each) {
      return new Line(
          each.number(),
          each.time(),
          each.endpoint(),
          each.server(),
          each.kind().toLowerCase(java.util.Locale.ROOT),
          each.outcome().isEmpty() ? "(at work)" : each.outcome(),
          each.micros() < 0 ? "" : Span.show(1000 * each.micros()),
          each.reason());
    }
  }

  private Object log(Invocation call) throws CommandFailed {
    List<Supervisor.Incident> all = supervisor.log();
    if (!call.arguments().has("NUMBER")) {
      int last = call.arguments().count("--last", all.size());
      return all.subList(Math.max(0, all.size() - last), all.size()).stream()
          .map(Line::of)
          .toList();
    }
    int number = call.arguments().count("NUMBER", 0);
    return all.stream()
        .filter(each -> each.number() == number)
        .findFirst()
        .orElseThrow(
            () ->
                new CommandFailed(
                    "there is no failure "
                        + number
                        + " in the record"
                        + (all.isEmpty()
                            ? ", it is empty"
                            : "; it goes from "
                                + all.getFirst().number()
                                + " to "
                                + all.getLast().number())));
  }

  private Object policy(Invocation call) {
    String pattern = call.arguments().text("PATTERN", "");
    String policy = call.arguments().text("POLICY", "");
    if (policy.isEmpty()) {
      return supervisor.rules().stream()
          .filter(each -> pattern.isEmpty() || each.pattern().equals(pattern))
          .toList();
    }
    boolean back = policy.equals("default");
    supervisor.rule(pattern, back ? "" : policy);
    return new RuleSet(pattern, back ? "as in the file again" : policy);
  }

  /** A rule that was set. */
  record RuleSet(String pattern, String policy) implements Notice {
    @Override
    public String line() {
      return pattern + ": " + policy;
    }
  }
}
