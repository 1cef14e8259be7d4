package duality.vmm.board;

import duality.drivers.InterruptController;
import duality.drivers.MmioDevice;
import duality.kernel.CallFailed;
import java.util.ArrayList;
import java.util.List;

/**
 * Which device answers at which address.
 *
 * <p><em>Concurrency:</em> filled before the first access, only read afterwards.
 */
public final class Bus {
  /** What stands at an address; {@link MmioDevice} and {@link InterruptController} alike. */
  private interface Target {
    long load(long offset, int width);

    void store(long offset, int width, long value);

    void reset();
  }

  /**
   * A device and its place.
   *
   * @param name of its endpoint, below the machine's
   * @param base guest-physical address
   * @param bytes that it takes
   * @param source interrupt source number, 0 for none
   */
  private record Place(String name, long base, long bytes, int source, Target target) {}

  private final List<Place> places = new ArrayList<>();
  private Place[] fast = {};

  /** Puts a device at an address. */
  void add(String name, long base, long bytes, int source, MmioDevice device) {
    add(
        name,
        base,
        bytes,
        source,
        new Target() {
          @Override
          public long load(long offset, int width) {
            return device.load(offset, width);
          }

          @Override
          public void store(long offset, int width, long value) {
            device.store(offset, width, value);
          }

          @Override
          public void reset() {
            device.reset();
          }
        });
  }

  /** Puts what answers where there is no device at an address; it is not described. */
  void addEmpty(long base, long bytes, MmioDevice nothing) {
    add("", base, bytes, 0, nothing);
  }

  /** Puts an interrupt controller at an address. */
  void add(String name, long base, long bytes, InterruptController controller) {
    add(
        name,
        base,
        bytes,
        0,
        new Target() {
          @Override
          public long load(long offset, int width) {
            return controller.load(offset, width);
          }

          @Override
          public void store(long offset, int width, long value) {
            controller.store(offset, width, value);
          }

          @Override
          public void reset() {
            controller.reset();
          }
        });
  }

  private void add(String name, long base, long bytes, int source, Target target) {
    for (Place other : places) {
      if (base < other.base + other.bytes && other.base < base + bytes) {
        throw new IllegalArgumentException(name + " and " + other.name + " overlap");
      }
    }
    places.add(new Place(name, base, bytes, source, target));
    fast = places.toArray(Place[]::new);
  }

  /**
   * Passes a load on.
   *
   * @throws CallFailed.BadRequest when no device covers all its bytes
   */
  public long load(long address, int width) {
    Place place = at(address, width);
    return place.target.load(address - place.base, width);
  }

  /**
   * Passes a store on.
   *
   * @throws CallFailed.BadRequest when no device covers all its bytes
   */
  public void store(long address, int width, long value) {
    Place place = at(address, width);
    place.target.store(address - place.base, width, value);
  }

  /** All devices become what they are at power-on. */
  void reset() {
    for (Place place : fast) {
      place.target.reset();
    }
  }

  /** One line for each device: name, address, interrupt. */
  String describe(String machine) {
    StringBuilder text = new StringBuilder();
    for (Place place : fast) {
      if (place.name.isEmpty()) {
        continue;
      }
      text.append(place.name)
          .append(" 0x")
          .append(Long.toHexString(place.base))
          .append(place.source == 0 ? "" : " interrupt " + place.source)
          .append(" at ")
          .append(machine)
          .append('/')
          .append(place.name)
          .append('\n');
    }
    return text.toString().stripTrailing();
  }

  private Place at(long address, int width) {
    for (Place place : fast) {
      long offset = address - place.base;
      if (offset >= 0 && offset <= place.bytes - width) {
        return place;
      }
    }
    throw new CallFailed.BadRequest(
        "no device at 0x" + Long.toHexString(address) + " for " + width + " bytes");
  }
}
