package duality.shell.machine;

import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** What can be booted, and getting it. */
@Component(service = GuestCommands.class, immediate = true)
public final class GuestCommands extends CommandGroup {
  private static final String SCOPE = "guest";

  private final GuestImages images;

  /** With the images. */
  @Activate
  public GuestCommands(@Reference GuestImages images) {
    this.images = images;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "list", "Lists the guest images, and what has to be got for them."),
            call -> images.all().stream().map(Guest::of).toList()),
        new Command(
            Syntax.of(SCOPE, "fetch", "Gets the newest version of a guest image.")
                .mayTake("IMAGE", Kind.IMAGE, "which one; all that are not there when left out")
                .option("--mirror", Kind.TEXT, "URL of the archive to get it from")
                .note("vm:run gets what is missing by itself; this gets it ahead, or anew."),
            this::fetch));
  }

  /**
   * A guest image.
   *
   * @param image its name
   * @param ready whether it boots without the network
   * @param description what it is
   * @param howToGet what to do when it is not ready
   */
  record Guest(String image, boolean ready, String description, String howToGet) {
    static Guest of(GuestImage image) {
      boolean ready = image.ready();
      return new Guest(image.name(), ready, image.description(), ready ? "" : image.howToGet());
    }
  }

  /** What was got. */
  record Fetched(List<String> images) implements Notice {
    @Override
    public String line() {
      return images.isEmpty()
          ? "nothing to get, all guest images are there"
          : String.join(", ", images) + (images.size() == 1 ? " is ready" : " are ready");
    }
  }

  private @Nullable Object fetch(Invocation call) throws Exception {
    Optional<URI> mirror = mirror(call.arguments().given("--mirror"));
    List<GuestImage> wanted = new ArrayList<>();
    if (call.arguments().has("IMAGE")) {
      wanted.add(images.get(call.arguments().text("IMAGE")));
    } else {
      images.all().stream().filter(image -> !image.ready()).forEach(wanted::add);
    }
    for (GuestImage image : wanted) {
      try (ProgressLine progress = new ProgressLine(call)) {
        call.cancellation().interruptibly(() -> image.fetch(mirror, progress));
      } catch (GuestUnavailable e) {
        throw new CommandFailed(
            e.reason() == GuestUnavailable.Reason.CANCELLED
                ? "cancelled"
                : String.valueOf(e.getMessage()));
      }
    }
    return new Fetched(wanted.stream().map(GuestImage::name).toList());
  }

  private static Optional<URI> mirror(Optional<String> text) throws CommandFailed {
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      URI uri = new URI(text.get());
      if (uri.getHost() != null
          && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
        return Optional.of(uri);
      }
    } catch (URISyntaxException e) {
      // Told below, with what would be right.
    }
    throw new CommandFailed(
        "--mirror '" + text.get() + "' is no URL; write http://HOST/FOLDER or https://HOST/FOLDER");
  }
}
