package duality.shell.kernel;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.text.Near;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Stands in for {@code felix:start}, which takes numbers and URLs only, and prints what went wrong
 * without failing: after {@code felix:stop NAME} everybody types {@code felix:start NAME}.
 */
@Component(service = BundleCommands.class, immediate = true)
public final class BundleCommands extends CommandGroup {
  private final BundleContext context;

  /** Starts bundles of that framework. */
  @Activate
  public BundleCommands(BundleContext context) {
    this.context = context;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of("felix", "start", "Starts bundles.")
                .takesRest("BUNDLE", Kind.BUNDLE, "names, numbers, or URLs to install", false)
                .flag("-t", "for now only: not again when the framework starts again")
                .note("felix:lb -s lists names and numbers."),
            this::start));
  }

  private @Nullable Object start(Invocation call) throws CommandFailed {
    for (String word : call.arguments().texts("BUNDLE")) {
      Bundle bundle = bundle(word);
      try {
        bundle.start(call.arguments().has("-t") ? Bundle.START_TRANSIENT : 0);
      } catch (BundleException e) {
        if (e.getType() == BundleException.RESOLVE_ERROR) {
          throw new CommandFailed(new Unresolved(context).explain(bundle));
        }
        Throwable cause = e.getCause() == null ? e : e.getCause();
        throw new CommandFailed(word + " did not start: " + cause);
      }
    }
    return null;
  }

  private Bundle bundle(String word) throws CommandFailed {
    List<String> names = new ArrayList<>();
    for (Bundle each : context.getBundles()) {
      if (word.equals(each.getSymbolicName()) || word.equals("" + each.getBundleId())) {
        return each;
      }
      names.add(String.valueOf(each.getSymbolicName()));
    }
    if (word.contains(":")) {
      try {
        return context.installBundle(word);
      } catch (BundleException e) {
        throw new CommandFailed(word + " cannot be installed: " + e.getMessage());
      }
    }
    String hint = Near.hint(word, names);
    throw new CommandFailed(
        "there is no bundle '"
            + word
            + "'"
            + (hint.isEmpty() ? "; felix:lb -s lists names and numbers" : hint));
  }
}
