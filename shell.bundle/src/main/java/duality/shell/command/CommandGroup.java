package duality.shell.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.felix.service.command.CommandProcessor;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Commands that are there as long as the services they use: the base of the shell's components,
 * which inherit its annotations.
 */
public abstract class CommandGroup {
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  /** The commands of this group. */
  public abstract List<Command> commands();

  /** Offers the commands to Gogo. */
  @Activate
  protected final void register(BundleContext context) {
    for (Command command : commands()) {
      // Ahead of a command of Felix's of the same name.
      Map<String, Object> properties =
          Map.of(
              Constants.SERVICE_RANKING,
              100,
              CommandProcessor.COMMAND_SCOPE,
              command.syntax().scope(),
              CommandProcessor.COMMAND_FUNCTION,
              command.syntax().function());
      registrations.add(
          context.registerService(
              CommandFunction.class,
              new CommandFunction(command),
              FrameworkUtil.asDictionary(properties)));
    }
  }

  /** Takes them back. */
  @Deactivate
  protected final void unregister() {
    registrations.forEach(ServiceRegistration::unregister);
    registrations.clear();
  }
}
