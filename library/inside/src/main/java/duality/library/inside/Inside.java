package duality.library.inside;

import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.guest.GuestFailed;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/**
 * What the outside calls: the name of an operation and its arguments by name. What does not work is
 * an {@link IllegalStateException} whose message is for people.
 *
 * <p><em>Concurrency:</em> any thread.
 */
@Component(
    service = BiFunction.class,
    property = "duality.library=inside",
    immediate = true) // it stays when nobody uses it for a while
public final class Inside implements BiFunction<String, Map<String, Object>, @Nullable Object> {
  private final Root root;
  private final List<GuestImage> images = new CopyOnWriteArrayList<>();
  private final Map<String, RunningGuest> guests = new ConcurrentHashMap<>();
  private final AtomicInteger newest = new AtomicInteger();

  /** With the one who makes machines. */
  @Activate
  public Inside(@Reference Root root) {
    this.root = root;
  }

  @Reference(cardinality = ReferenceCardinality.AT_LEAST_ONE, policy = ReferencePolicy.DYNAMIC)
  void add(GuestImage image) {
    images.add(image);
  }

  void remove(GuestImage image) {
    images.remove(image);
  }

  @Override
  public @Nullable Object apply(String operation, Map<String, Object> arguments) {
    try {
      return switch (operation) {
        case "images" -> images.stream().map(GuestImage::name).sorted().toList();
        case "boot" -> boot(new Request(arguments));
        default -> guest(arguments).apply(operation, new Request(arguments));
      };
    } catch (CallFailed | GuestFailed | GuestUnavailable e) {
      throw new IllegalStateException(e.getMessage(), null);
    }
  }

  private RunningGuest guest(Map<String, Object> arguments) {
    RunningGuest guest = guests.get(String.valueOf(arguments.get("name")));
    if (guest == null) {
      throw new IllegalStateException("the machine is closed");
    }
    return guest;
  }

  private String boot(Request request) throws GuestUnavailable {
    String name = "m" + newest.incrementAndGet();
    RunningGuest guest = RunningGuest.make(root, name, images, request, () -> guests.remove(name));
    guests.put(name, guest);
    boolean up = false;
    try {
      guest.start(request.number("withinMillis"));
      up = true;
      return name;
    } finally {
      if (!up) {
        guest.close();
      }
    }
  }
}
