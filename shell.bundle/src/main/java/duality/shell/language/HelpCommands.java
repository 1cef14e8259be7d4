package duality.shell.language;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandFunction;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.text.Near;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.felix.service.command.CommandSession;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Help, and the way out. */
@Component(service = HelpCommands.class, immediate = true)
public final class HelpCommands extends CommandGroup {
  /** Session variable: set by {@code exit}. */
  public static final String LEAVE = ".leave";

  private static final String SCOPE = "duality";
  private static final String QUOTING =
      """
      Words are separated by blanks. "…" keeps blanks and replaces $name by a variable; '…' keeps all as it
      is; \\$ is a plain $. # starts a comment. a; b runs both, a && b runs b if a worked, a || b if not.
      x = (COMMAND) keeps a value, $x gives it; a | b pipes text; a > FILE writes it to a file.
      help COMMAND or COMMAND --help says more.\
      """;

  private final BundleContext context;

  /** With where commands are registered. */
  @Activate
  public HelpCommands(BundleContext context) {
    this.context = context;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "help", "Lists the commands, or explains one.")
                .mayTake(
                    "COMMAND", Kind.COMMAND, "which one; a scope such as vm lists its commands"),
            this::help),
        new Command(
            Syntax.of(SCOPE, "exit", "Stops the guests and leaves."),
            call -> {
              call.session().put(LEAVE, true);
              return null;
            }));
  }

  private String help(Invocation call) throws CommandFailed {
    Map<String, Syntax> ours = new TreeMap<>();
    syntaxes(context).forEach(syntax -> ours.put(syntax.name(), syntax));
    Set<String> others = new TreeSet<>(names(call.session()));
    others.removeAll(ours.keySet());
    if (!call.arguments().has("COMMAND")) {
      return overview(ours, others) + "\n" + QUOTING;
    }
    String wanted = call.arguments().text("COMMAND");
    for (String scope : List.of("", "duality:", "vm:", "task:", "guest:", "kernel:")) {
      Syntax syntax = ours.get(scope + wanted);
      if (syntax != null) {
        return syntax.help();
      }
    }
    if (others.contains(wanted)) {
      return wanted + " is a command of Felix; felix:help " + wanted + " explains it";
    }
    ours.keySet().removeIf(name -> !name.startsWith(wanted + ":"));
    others.removeIf(name -> !name.startsWith(wanted + ":"));
    if (ours.isEmpty() && others.isEmpty()) {
      throw new CommandFailed(
          "there is no command '" + wanted + "'" + Near.hint(wanted, names(call.session())));
    }
    return overview(ours, others);
  }

  private static String overview(Map<String, Syntax> ours, Set<String> others) {
    int widest = ours.keySet().stream().mapToInt(String::length).max().orElse(1);
    List<String> lines = new ArrayList<>();
    ours.forEach(
        (name, syntax) ->
            lines.add(String.format("%-" + widest + "s  %s", name, syntax.summary())));
    if (!others.isEmpty()) {
      lines.add("from Felix: " + String.join(" ", others));
    }
    return String.join("\n", lines);
  }

  /** Names of all commands that Gogo knows. */
  public static Collection<String> names(CommandSession session) {
    Set<String> names = new TreeSet<>();
    if (session.get(".commands") instanceof Collection<?> commands) {
      commands.forEach(name -> names.add(name.toString()));
    }
    return names;
  }

  /** How each of our commands is called. */
  public static List<Syntax> syntaxes(BundleContext context) {
    List<Syntax> syntaxes = new ArrayList<>();
    try {
      for (ServiceReference<CommandFunction> reference :
          context.getServiceReferences(CommandFunction.class, null)) {
        CommandFunction function = context.getService(reference);
        if (function != null) {
          syntaxes.add(function.syntax());
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
    return syntaxes;
  }
}
