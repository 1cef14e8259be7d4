package duality.virtio.rng;

import duality.drivers.WorkTallies;
import duality.drivers.virtio.Chain;
import duality.drivers.virtio.Malformed;
import duality.drivers.virtio.Rings;
import duality.drivers.virtio.VirtioDevice;
import duality.drivers.virtio.VirtioMmio;
import duality.drivers.virtio.Virtqueue;
import duality.kernel.Grant;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The logic of a virtio entropy device (VIRTIO 1.2 §5.4): fills what buffers the driver offers with
 * the host's secure randomness.
 *
 * <p>A guest may ask as fast as it can, and each byte costs the host more than the guest. So a turn
 * of the worker gives at most {@value #TURN_BYTES} bytes, and when there is more to do it rests
 * before the next one: 2 MB/s at most. A buffer may be filled in part (§5.4.6).
 *
 * <p>The device keeps nothing: the rings say what is still to be filled.
 */
final class RngDevice implements VirtioDevice {
  static final int TURN_BYTES = 512;

  private static final int TYPE = 4;
  private static final int QUEUE = 0;
  private static final int QUEUE_SIZE = 16;

  /** So short that a swap does not notice it. */
  static final long REST_NANOS = 250_000;

  private final SecureRandom source;
  private final WorkTallies.Tally tally;
  private final Chain chain = new Chain();
  private final byte[] bytes = new byte[TURN_BYTES];
  private @Nullable VirtioMmio attached;

  RngDevice(SecureRandom source, WorkTallies.Tally tally) {
    this.source = source;
    this.tally = tally;
  }

  @Override
  public String schema() {
    return "virtio.rng";
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public long features() {
    return 0;
  }

  @Override
  public int queues() {
    return 1;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] config() {
    return new byte[0];
  }

  @Override
  public void attach(VirtioMmio transport) {
    attached = transport;
  }

  private VirtioMmio transport() {
    if (attached == null) {
      throw new IllegalStateException("an entropy device without a transport");
    }
    return attached;
  }

  @Override
  public void work(long bits) {
    tally.notified();
    VirtioMmio transport = transport();
    if (!transport.running() || !transport.queue(QUEUE).ready()) {
      return;
    }
    boolean interrupt = false;
    boolean more;
    try (Rings rings = transport.rings(QUEUE)) {
      try {
        rings.mute();
        int left = TURN_BYTES;
        do {
          while (left > 0 && rings.next(chain)) {
            left -= fill(rings, left);
          }
        } while (left > 0 && rings.unmute());
        more = left == 0;
      } finally {
        interrupt = rings.interruptWanted();
      }
    } catch (Malformed malformed) {
      transport.needsReset(malformed);
      more = false;
    }
    if (interrupt) {
      tally.notified();
      transport.interrupt();
    }
    if (more) {
      LockSupport.parkNanos(REST_NANOS);
      transport.again();
    }
  }

  /** Fills the chain at the front, as far as {@code most} bytes go; answers how many it took. */
  private int fill(Rings rings, int most) throws Malformed {
    int first = chain.readable();
    if (first > 0 || chain.buffers() == 0) {
      throw new Malformed("request " + chain.head() + " is not only of buffers to write to");
    }
    int count = (int) Math.min(chain.length(first), most);
    source.nextBytes(bytes);
    try (Grant buffer =
        Virtqueue.lend(transport().memory(), chain.address(first), count, Memory.WRITE)) {
      buffer.write(0, MemorySegment.ofArray(bytes), 0, count);
    }
    tally.descriptors(chain.buffers());
    tally.read(count);
    rings.take();
    rings.complete(chain.head(), count);
    return count;
  }

  @Override
  public void reset() {
    // Keeps nothing.
  }

  @Override
  public boolean takes(int queue) {
    return true;
  }

  @Override
  public State checkpoint() {
    return save();
  }

  @Override
  public State save() {
    return State.of("virtio.rng.device", 1);
  }

  @Override
  public void restore(State saved) {
    saved.expect("virtio.rng.device", 1);
  }
}
