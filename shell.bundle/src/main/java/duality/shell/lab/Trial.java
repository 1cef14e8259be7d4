package duality.shell.lab;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import duality.kernel.Observation;
import duality.servers.CostDial;
import duality.servers.Root;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import duality.shell.command.Cancellation;
import duality.shell.command.CommandFailed;
import duality.shell.machine.GuestImages;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/**
 * What an experiment may use.
 *
 * @param program the file that {@code --file} named, or null
 * @param rounds how often to repeat; each experiment says what one is
 * @param folder for files that are deleted afterwards
 * @param say takes a line about how far it is
 */
record Trial(
    BundleContext context,
    Observation kernel,
    Root root,
    Swapper swapper,
    Supervisor supervisor,
    GuestImages images,
    CostDial dial,
    @Nullable Path program,
    int rounds,
    Path folder,
    Cancellation cancellation,
    Consumer<String> say) {
  /** How to boot an image, which has to be there. */
  Boot boot(String image) throws CommandFailed {
    GuestImage found =
        images.find(image).orElseThrow(() -> new CommandFailed("there is no guest " + image));
    try {
      return found.prepare(Progress.NONE);
    } catch (GuestUnavailable e) {
      throw new CommandFailed(String.valueOf(e.getMessage()));
    }
  }

  /** The bundle of that name, or null. */
  @Nullable Bundle bundle(String name) {
    for (Bundle each : context.getBundles()) {
      if (name.equals(each.getSymbolicName())) {
        return each;
      }
    }
    return null;
  }
}
