package duality.drivers.virtio;

import java.util.Arrays;

/**
 * One descriptor chain: the buffers of a request, those that the device reads before those that it
 * writes (VIRTIO 1.2 §2.7.4). Reused from request to request. Not thread-safe.
 */
public final class Chain {
  private static final int AT_FIRST = 8;

  private int head;
  private int position;
  private int count;
  private int readable;
  private long readableBytes;
  private long writableBytes;
  private long[] addresses = new long[AT_FIRST];
  private long[] lengths = new long[AT_FIRST];

  /** Index of the chain's first descriptor, by which the driver knows the request. */
  public int head() {
    return head;
  }

  /**
   * Its place in the available ring, 0 to 65,535: no other chain that is outstanding has the same.
   * -1 when that is not known any more.
   */
  public int position() {
    return position;
  }

  /** Number of buffers; empty ones are left out. */
  public int buffers() {
    return count;
  }

  /** Number of buffers that the device reads: those with an index below this one. */
  public int readable() {
    return readable;
  }

  /** Bytes in buffers that the device reads. */
  public long readableBytes() {
    return readableBytes;
  }

  /** Bytes in buffers that the device writes. */
  public long writableBytes() {
    return writableBytes;
  }

  /** Guest-physical address of a buffer. */
  public long address(int buffer) {
    return addresses[buffer];
  }

  /** Length of a buffer in bytes, 1 to 2^32 - 1. */
  public long length(int buffer) {
    return lengths[buffer];
  }

  void start(int newHead, int newPosition) {
    head = newHead;
    position = newPosition;
    count = 0;
    readable = 0;
    readableBytes = 0;
    writableBytes = 0;
  }

  void add(long address, long length, boolean writable) throws Malformed {
    if (!writable && writableBytes > 0) {
      throw new Malformed("chain " + head + " has a buffer to read behind one to write");
    }
    if (length == 0) {
      return;
    }
    if (address < 0 || address + length < 0) {
      throw new Malformed(
          "chain "
              + head
              + " has a buffer of "
              + length
              + " bytes at 0x"
              + Long.toHexString(address));
    }
    if (count == addresses.length) {
      addresses = Arrays.copyOf(addresses, 2 * count);
      lengths = Arrays.copyOf(lengths, 2 * count);
    }
    addresses[count] = address;
    lengths[count] = length;
    count++;
    if (writable) {
      writableBytes += length;
    } else {
      readable++;
      readableBytes += length;
    }
  }
}
