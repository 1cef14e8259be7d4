package duality.shell.machine;

import duality.guests.GuestImage;
import duality.shell.command.CommandFailed;
import duality.shell.text.Near;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** The guest images that are there now. */
@Component(service = GuestImages.class)
public final class GuestImages {
  private final List<GuestImage> images = new CopyOnWriteArrayList<>();

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void add(GuestImage image) {
    images.add(image);
  }

  void remove(GuestImage image) {
    images.remove(image);
  }

  /** All of them, by name. */
  public List<GuestImage> all() {
    return images.stream().sorted(Comparator.comparing(GuestImage::name)).toList();
  }

  /** The image of that name, if it is there. */
  public Optional<GuestImage> find(String name) {
    return images.stream().filter(image -> image.name().equals(name)).findFirst();
  }

  /**
   * What an image is on a monitor.
   *
   * @param monitor server of the machine, or empty for none in particular
   */
  GuestImage get(String name, String monitor) throws CommandFailed {
    GuestImage image = get(name);
    if (monitor.isEmpty() || image.monitor().equals(monitor)) {
      return image;
    }
    Optional<GuestImage> ported =
        images.stream()
            .filter(each -> each.name().startsWith(name + "-") && each.monitor().equals(monitor))
            .findFirst();
    if (ported.isPresent() || image.monitor().isEmpty()) {
      return ported.orElse(image);
    }
    throw new CommandFailed(
        "'" + name + "' is written for " + image.monitor() + ", not for " + monitor);
  }

  /** The image of that name. */
  GuestImage get(String name) throws CommandFailed {
    Optional<GuestImage> image = find(name);
    if (image.isEmpty()) {
      List<String> names = all().stream().map(GuestImage::name).toList();
      throw new CommandFailed("there is no guest image '" + name + "'" + Near.hint(name, names));
    }
    return image.get();
  }
}
