package duality.fuzz;

/**
 * What a guest does to its devices, as bytes say: accesses of any width anywhere, in any order; and
 * as drivers do it, up to a point, so that rings get to be looked at.
 */
final class DeviceScript {
  /** What carries it out. */
  interface Guest {
    /** Number of devices that can be chosen. */
    int devices();

    /** Whether that one speaks virtio. */
    boolean virtio(int device);

    void load(int device, long offset, int width);

    void store(int device, long offset, int width, long value);

    /** Writes 1, 2, 4 or 8 bytes of memory. */
    void poke(long address, int width, long value);
  }

  /** Longest script: what is behind it is not looked at. */
  private static final int MOST_STEPS = 256;

  private static final int QUEUE_SIZE = 8;
  private static final int QUEUE_BYTES = 0x1000;
  private static final int STATUS = 0x070;
  private static final int[] SET_UP = {1, 1 | 2};

  private DeviceScript() {}

  static void run(Input input, Guest guest) {
    for (int step = 0; step < MOST_STEPS && input.hasMore(); step++) {
      step(input, guest);
    }
  }

  static void step(Input input, Guest guest) {
    int device = input.next(guest.devices());
    switch (input.next(8)) {
      case 0, 1 -> guest.load(device, offset(input), 1 << input.next(4));
      case 2, 3 -> guest.store(device, offset(input), 1 << input.next(4), input.value());
      case 4 ->
          guest.poke(Input.RING + input.number(2) % 0x8000, 1 << input.next(4), input.value());
      case 5 -> setUp(input, guest, device);
      case 6 -> chain(input, guest, device);
      default -> guest.store(device, 0x050, 4, input.next(8));
    }
  }

  private static long offset(Input input) {
    int how = input.next();
    return switch (how >> 5) {
      case 0, 1, 2, 3 -> 4L * (how & 127);
      case 4 -> how & 31;
      case 5 -> 0x100 + (how & 31);
      case 6 -> 0x20_0000L + 0x1000 * (how & 7) + (how >> 3 & 3) * 4;
      default -> input.number(1 + (how & 3));
    };
  }

  /**
   * Negotiates and tells where the queues are, as drivers of both versions do, with one thing or
   * none as it should not be.
   */
  private static void setUp(Input input, Guest guest, int device) {
    if (!guest.virtio(device)) {
      guest.store(device, 0, 1, input.value());
      return;
    }
    int features = input.next();
    int wrong = input.next();
    guest.store(device, STATUS, 4, 0);
    for (int status : SET_UP) {
      guest.store(device, STATUS, 4, status);
    }
    guest.store(device, 0x028, 4, wrong == 5 ? input.value() : QUEUE_BYTES);
    guest.store(device, 0x024, 4, 0);
    guest.store(
        device, 0x020, 4, (features & 1) != 0 ? 0xffff_ffffL : (features & 2) << 28 | 1 << 1);
    guest.store(device, 0x024, 4, 1);
    guest.store(device, 0x020, 4, 1);
    guest.store(device, STATUS, 4, 1 | 2 | 8);
    int queues = 1 + (features >> 2 & 7);
    for (int queue = 0; queue < queues; queue++) {
      long at = queueAt(device, queue);
      guest.store(device, 0x030, 4, queue);
      guest.store(device, 0x038, 4, wrong == 1 ? input.value() : QUEUE_SIZE);
      address(guest, device, 0x080, wrong == 2 ? input.value() : at);
      address(guest, device, 0x090, wrong == 3 ? input.value() : at + 16 * QUEUE_SIZE);
      address(guest, device, 0x0a0, wrong == 4 ? input.value() : at + 0x400);
      guest.store(device, 0x03c, 4, wrong == 6 ? input.value() : 0x400);
      guest.store(device, 0x040, 4, wrong == 7 ? input.value() : at / QUEUE_BYTES);
      guest.store(device, 0x044, 4, 1);
      guest.poke(at + 16 * QUEUE_SIZE, 4, 0);
    }
    guest.store(device, STATUS, 4, 1 | 2 | 8 | 4);
  }

  private static void address(Guest guest, int device, int register, long value) {
    guest.store(device, register, 4, value & 0xffff_ffffL);
    guest.store(device, register + 4, 4, value >>> 32);
  }

  private static long queueAt(int device, int queue) {
    return Input.RING + (8L * (device & 1) + queue) * QUEUE_BYTES;
  }

  /** Descriptors, most of them sensible, an available ring, and a kick. */
  private static void chain(Input input, Guest guest, int device) {
    int queue = input.next(8);
    long at = queueAt(device, queue);
    int count = 1 + input.next(5);
    int strange = input.next();
    for (int i = 0; i < count; i++) {
      long descriptor = at + 16L * i;
      boolean odd = (strange >> i & 1) != 0;
      guest.poke(descriptor, 8, odd ? input.value() : at + 0x600 + 0x100L * i);
      guest.poke(descriptor + 8, 4, odd ? input.value() : i == 0 ? 16 : i == count - 1 ? 1 : 512);
      int flags = odd ? input.next() : (i < count - 1 ? 1 : 0) | (i > 0 ? 2 : 0);
      guest.poke(descriptor + 12, 4, flags | (odd ? input.next() : i + 1) << 16);
    }
    guest.poke(at + 0x600, 4, input.next(16)); // a request's type
    guest.poke(at + 0x608, 8, (strange & 0x80) != 0 ? input.value() : input.next());
    guest.poke(at + 16 * QUEUE_SIZE + 4, 8, input.next() < 128 ? 0 : input.value());
    guest.poke(at + 16 * QUEUE_SIZE + 2, 2, input.next());
    guest.store(device, 0x050, 4, queue);
  }
}
