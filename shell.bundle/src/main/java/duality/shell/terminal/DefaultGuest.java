package duality.shell.terminal;

import duality.guests.GuestImage;
import duality.shell.script.Failures;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.felix.service.command.CommandSession;

/** Boots a guest when the interactive shell starts, while the person reads the banner. */
public final class DefaultGuest {
  private static final String LINUX = "linux";
  private static final String NANO = "nano";

  private final String image;
  private final String hint;

  private DefaultGuest(String image, String hint) {
    this.image = image;
    this.hint = hint;
  }

  /**
   * Chooses: Linux when it needs no download, else nano.
   *
   * @param wanted a name that the person set, or {@code none}
   * @param images finds an image by its name
   */
  public static Optional<DefaultGuest> choose(
      Optional<String> wanted, Function<String, Optional<GuestImage>> images) {
    if (wanted.isPresent()) {
      return wanted.get().equals("none")
          ? Optional.empty()
          : Optional.of(new DefaultGuest(wanted.get(), ""));
    }
    Optional<GuestImage> linux = images.apply(LINUX);
    if (linux.isPresent() && linux.get().ready()) {
      return Optional.of(new DefaultGuest(LINUX, ""));
    }
    String hint = linux.map(GuestImage::howToGet).orElse("");
    return images.apply(NANO).map(there -> new DefaultGuest(NANO, hint));
  }

  /** What to say before the first prompt. */
  public String banner() {
    String boots = image + " boots in the background: vm:attach " + image + " (Ctrl-] leaves it)";
    return hint.isEmpty() ? boots : boots + "\nfor Linux: " + hint;
  }

  /**
   * Boots it, and waits until it is up.
   *
   * @param session a session of its own, whose output nobody sees
   * @param tell shows lines to the person
   */
  public void boot(CommandSession session, Consumer<String> tell) {
    try {
      session.execute("vm:run " + image + " --name " + image);
      session.execute("vm:wait " + image + " --for ready --timeout 10m");
      tell.accept(image + " is up: vm:attach " + image);
    } catch (Exception e) {
      tell.accept("the default guest: " + Failures.describe(session, e));
    } finally {
      session.close();
    }
  }
}
