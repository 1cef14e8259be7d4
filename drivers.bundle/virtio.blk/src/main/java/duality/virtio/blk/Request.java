package duality.virtio.blk;

import duality.drivers.Store;
import duality.drivers.virtio.Chain;
import duality.drivers.virtio.Malformed;
import duality.drivers.virtio.Virtqueue;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request of the driver (VIRTIO 1.2 §5.2.6): a header of 16 bytes that the device reads, data,
 * and a status byte, the last one that the device writes. Buffers may be cut anywhere (§2.7.4.1).
 *
 * <p>All memory it names is borrowed when it is read, so that nothing can go wrong later; {@link
 * #close} gives it back.
 */
final class Request implements AutoCloseable {
  static final int HEADER_BYTES = 16;

  static final int TYPE_IN = 0;
  static final int TYPE_OUT = 1;
  static final int TYPE_FLUSH = 4;
  static final int TYPE_IDENTITY = 8;

  static final int STATUS_OK = 0;
  static final int STATUS_ERROR = 1;
  static final int STATUS_UNSUPPORTED = 2;

  /** Index of the status byte among the memory of a request. */
  private static final int STATUS_BYTE = -1;

  /** Most stretches of memory in one request; more than a queue has descriptors. */
  private static final int MOST_STRETCHES = 1 << 10;

  /** A stretch of data that is contiguous for the guest: one request to the store. */
  record Part(Request request, int index, int operation, long offset, Grant grant, long length) {}

  final int head;

  /** Its place in the available ring, -1 when a predecessor did not know it. */
  final int position;

  final int type;
  final long sector;

  private final List<Grant> data = new ArrayList<>();
  private final Grant statusByte;
  private final long dataBytes;

  private int outstanding;
  private int status = STATUS_OK;
  private boolean abandoned;
  private @Nullable Request replaced;

  private Request(Chain chain, byte[] header, List<Grant> data, Grant statusByte) {
    head = chain.head();
    position = chain.position();
    type = (int) littleEndian(header, 0, 4);
    sector = littleEndian(header, 8, 8);
    this.data.addAll(data);
    this.statusByte = statusByte;
    dataBytes = data.stream().mapToLong(Grant::sizeBytes).sum();
  }

  /**
   * Reads a chain and borrows its memory.
   *
   * @throws Malformed when it has no header, no status byte, or names what is no memory
   */
  static Request read(Space memory, Chain chain) throws Malformed {
    if (chain.readableBytes() < HEADER_BYTES || chain.writableBytes() < 1) {
      throw new Malformed(
          "request "
              + chain.head()
              + " has "
              + chain.readableBytes()
              + " bytes to read and "
              + chain.writableBytes()
              + " to write; at least 16 and 1 are needed");
    }
    byte[] header = header(memory, chain);
    List<Grant> borrowed = new ArrayList<>();
    try {
      boolean out = (int) littleEndian(header, 0, 4) == TYPE_OUT;
      if (out) {
        borrow(memory, chain, HEADER_BYTES, chain.readableBytes(), Memory.READ, borrowed);
      } else {
        long from = chain.readableBytes();
        borrow(memory, chain, from, from + chain.writableBytes() - 1, Memory.WRITE, borrowed);
      }
      int last = chain.buffers() - 1;
      Grant statusByte =
          Virtqueue.lend(memory, chain.address(last) + chain.length(last) - 1, 1, Memory.WRITE);
      Request request = new Request(chain, header, borrowed, statusByte);
      borrowed.clear();
      return request;
    } finally {
      borrowed.forEach(Grant::close);
    }
  }

  private static byte[] header(Space memory, Chain chain) throws Malformed {
    byte[] header = new byte[HEADER_BYTES];
    int have = 0;
    for (int i = 0; have < HEADER_BYTES; i++) {
      int length = (int) Math.min(chain.length(i), HEADER_BYTES - have);
      try (Grant grant = Virtqueue.lend(memory, chain.address(i), length, Memory.READ)) {
        for (int j = 0; j < length; j++) {
          header[have++] = (byte) grant.getByte(j);
        }
      }
    }
    return header;
  }

  /** Borrows bytes {@code from} to {@code to} of the chain, counted over all its buffers. */
  private static void borrow(
      Space memory, Chain chain, long from, long to, int access, List<Grant> borrowed)
      throws Malformed {
    long position = 0;
    for (int i = 0; i < chain.buffers(); i++) {
      long start = Math.max(from, position);
      long end = Math.min(to, position + chain.length(i));
      if (start < end) {
        borrowed.add(
            Virtqueue.lend(memory, chain.address(i) + start - position, end - start, access));
      }
      position += chain.length(i);
    }
  }

  /** A request that is known already. */
  private Request(
      int head, int position, int type, long sector, List<Grant> data, Grant statusByte) {
    this.head = head;
    this.position = position;
    this.type = type;
    this.sector = sector;
    this.data.addAll(data);
    this.statusByte = statusByte;
    dataBytes = data.stream().mapToLong(Grant::sizeBytes).sum();
  }

  /** Flattens it; its memory stays in slots of the endpoint that begin with {@code slot}. */
  State save(Context context, String slot) {
    for (int i = 0; i < data.size(); i++) {
      context.keep(slot + i, data.get(i));
    }
    context.keep(slot + STATUS_BYTE, statusByte);
    drop(context, slot, data.size());
    return State.of("request", 2)
        .with("head", head)
        .with("position", position)
        .with("type", type)
        .with("sector", sector)
        .with("stretches", data.size())
        .with("outstanding", outstanding)
        .with("status", status)
        .with("abandoned", abandoned);
  }

  /** Forgets what was kept of a request that had more stretches; whether there was any. */
  static boolean drop(Context context, String slot, int from) {
    boolean any = false;
    for (int i = from; context.has(slot + i); i++) {
      context.drop(slot + i);
      any = true;
    }
    return any;
  }

  /**
   * Goes on with a request of a predecessor.
   *
   * @throws State.Refused when it makes no sense, or its memory is not there
   */
  static Request restore(Context context, String slot, State saved) {
    int version = saved.expect("request", 2);
    List<Grant> data = new ArrayList<>();
    int stretches = (int) saved.number("stretches", 0, MOST_STRETCHES);
    for (int i = 0; i < stretches; i++) {
      data.add(kept(context, slot + i));
    }
    Request request =
        new Request(
            (int) saved.number("head", 0, 0x7fff),
            version == 1 ? -1 : (int) saved.number("position", -1, 0xffff),
            (int) saved.number("type"),
            saved.number("sector"),
            data,
            kept(context, slot + STATUS_BYTE));
    request.outstanding = (int) saved.number("outstanding", 0, MOST_STRETCHES);
    request.status = (int) saved.number("status", STATUS_OK, STATUS_UNSUPPORTED);
    request.abandoned = saved.flag("abandoned");
    return request;
  }

  private static Grant kept(Context context, String slot) {
    if (!context.has(slot)) {
      throw new State.Refused("the memory of a request in flight is gone (slot " + slot + ")");
    }
    return context.slot(slot, Grant.class);
  }

  /** Which stretch of this request's memory a part is about. */
  int stretch(Part part) {
    return part.grant == statusByte ? STATUS_BYTE : data.indexOf(part.grant);
  }

  /** The memory of a stretch. */
  Grant memory(int stretch) {
    if (stretch < STATUS_BYTE || stretch >= data.size()) {
      throw new State.Refused("request " + head + " has no stretch " + stretch);
    }
    return stretch == STATUS_BYTE ? statusByte : data.get(stretch);
  }

  /** Bytes of data, header and status apart. */
  long dataBytes() {
    return dataBytes;
  }

  /** The requests to the store that this one needs. */
  List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    if (type == TYPE_FLUSH) {
      parts.add(new Part(this, 0, Store.FLUSH, 0, statusByte, 0));
    } else {
      long offset = sector * BlockDevice.SECTOR_BYTES;
      for (Grant grant : data) {
        int operation = type == TYPE_OUT ? Store.WRITE : Store.READ;
        parts.add(new Part(this, parts.size(), operation, offset, grant, grant.sizeBytes()));
        offset += grant.sizeBytes();
      }
    }
    outstanding = parts.size();
    return parts;
  }

  /** Writes bytes into the data part, as many as it takes; answers how many. */
  int write(byte[] bytes) {
    int written = 0;
    for (Grant grant : data) {
      for (long i = 0; i < grant.sizeBytes() && written < bytes.length; i++) {
        grant.setByte(i, bytes[written++]);
      }
    }
    return written;
  }

  /** One part has finished; whether it was the last. */
  boolean finished(int storeStatus) {
    if (storeStatus != Store.OK) {
      status = STATUS_ERROR;
    }
    return --outstanding == 0;
  }

  int status() {
    return status;
  }

  /** Writes the status byte. */
  void writeStatus(int value) {
    statusByte.setByte(0, value);
  }

  /** Parts that have not finished. */
  int outstanding() {
    return outstanding;
  }

  /**
   * Its memory is given back when this request's is: the store may still work on it, for parts that
   * have the same tags.
   */
  void replaces(Request earlier) {
    replaced = earlier;
  }

  /** The device was reset: nobody waits for this any more. */
  void abandon() {
    abandoned = true;
  }

  boolean abandoned() {
    return abandoned;
  }

  @Override
  public void close() {
    data.forEach(Grant::close);
    statusByte.close();
    if (replaced != null) {
      replaced.close();
    }
  }

  private static long littleEndian(byte[] bytes, int from, int count) {
    long value = 0;
    for (int i = count - 1; i >= 0; i--) {
      value = value << 8 | bytes[from + i] & 0xff;
    }
    return value;
  }
}
