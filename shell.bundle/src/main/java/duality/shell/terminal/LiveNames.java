package duality.shell.terminal;

import duality.drivers.Network;
import duality.guests.GuestImage;
import duality.kernel.CallFailed;
import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.servers.Personality;
import duality.servers.Root;
import duality.shell.command.Syntax;
import duality.shell.language.HelpCommands;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import duality.vmm.guest.GuestCommand;
import duality.vmm.guest.GuestFailed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.felix.service.command.CommandSession;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/** Asks the running system; what does not answer has no names. */
final class LiveNames implements Names {
  /** How long a guest may take to say what files it has. */
  private static final Duration COMPLETION = Duration.ofSeconds(2);

  private final BundleContext context;
  private final CommandSession session;

  LiveNames(BundleContext context, CommandSession session) {
    this.context = context;
    this.session = session;
  }

  @Override
  public Collection<String> machines() {
    return paths(VirtualMachine.class, "vm/");
  }

  @Override
  public Collection<String> guestFiles(String machine, String folder) {
    String path = "vm/" + machine + "/agent";
    return asked(
        () -> {
          Root root = service(Root.class).orElse(null);
          if (root == null || !root.paths(GuestAgent.class).contains(path)) {
            return List.of();
          }
          GuestAgent agent = root.connect(path, GuestAgent.class);
          if (!agent.ready()) {
            return List.of();
          }
          try {
            String from = GuestCommand.quoted(folder.isEmpty() ? "." : folder);
            GuestCommand.Ended list =
                new GuestCommand(agent, () -> false).run("ls -1ap " + from, COMPLETION);
            return list.status() == 0 ? list.output().lines().toList() : List.of();
          } catch (GuestFailed e) {
            return List.of();
          }
        });
  }

  @Override
  public Collection<String> tasks() {
    return paths(Personality.class, "task/");
  }

  @Override
  public Collection<String> networks() {
    return paths(Network.class, "net/");
  }

  private Collection<String> paths(Class<?> protocol, String folder) {
    return asked(
        () ->
            service(Root.class).stream()
                .flatMap(root -> root.paths(protocol).stream())
                .filter(path -> path.startsWith(folder))
                .map(path -> path.substring(folder.length()))
                .toList());
  }

  @Override
  public Collection<String> images() {
    List<String> names = new ArrayList<>();
    try {
      for (ServiceReference<GuestImage> reference :
          context.getServiceReferences(GuestImage.class, null)) {
        GuestImage image = context.getService(reference);
        if (image != null) {
          names.add(image.name());
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
    return names;
  }

  @Override
  public Collection<String> endpoints() {
    return asked(
        () ->
            Stream.concat(reports().stream().map(EndpointReport::path), Stream.of("engine"))
                .toList());
  }

  @Override
  public Collection<String> servers(String endpoint) {
    return asked(
        () -> {
          Optional<String> protocol =
              endpoint.equals("engine")
                  ? Optional.of("Engine")
                  : reports().stream()
                      .filter(report -> report.path().equals(endpoint))
                      .map(EndpointReport::protocol)
                      .findFirst();
          return service(Observation.class).stream()
              .flatMap(kernel -> kernel.servers().stream())
              .filter(server -> protocol.isEmpty() || server.protocols().contains(protocol.get()))
              .map(ServerReport::name)
              .toList();
        });
  }

  @Override
  public Collection<String> bundles() {
    return Arrays.stream(context.getBundles())
        .map(Bundle::getSymbolicName)
        .filter(Objects::nonNull)
        .distinct()
        .toList();
  }

  @Override
  public Collection<String> commands() {
    return HelpCommands.names(session);
  }

  @Override
  public List<Syntax> syntaxes() {
    return HelpCommands.syntaxes(context);
  }

  private List<EndpointReport> reports() {
    return service(Observation.class).map(Observation::endpoints).orElse(List.of());
  }

  private <T> Optional<T> service(Class<T> type) {
    ServiceReference<T> reference = context.getServiceReference(type);
    return reference == null
        ? Optional.empty()
        : Optional.ofNullable(context.getService(reference));
  }

  private static Collection<String> asked(Supplier<Collection<String>> question) {
    try {
      return question.get();
    } catch (CallFailed e) {
      return List.of();
    }
  }
}
