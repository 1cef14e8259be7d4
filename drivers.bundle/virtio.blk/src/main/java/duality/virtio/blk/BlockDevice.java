package duality.virtio.blk;

import static java.nio.charset.StandardCharsets.US_ASCII;

import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.WorkTallies;
import duality.drivers.virtio.Chain;
import duality.drivers.virtio.Malformed;
import duality.drivers.virtio.Rings;
import duality.drivers.virtio.VirtioDevice;
import duality.drivers.virtio.VirtioMmio;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.State;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The logic of a virtio block device (VIRTIO 1.2 §5.2): turns requests in its one queue into
 * requests to a {@link Store}, with the guest's memory handed on and not copied.
 *
 * <p>Many requests are in flight at once and end in any order; the driver waits itself where order
 * matters. A successor takes over those that are in flight: which they are is in the state, their
 * memory stays in slots of the endpoint, and the store tells the successor how they ended.
 */
final class BlockDevice implements VirtioDevice {
  static final long SECTOR_BYTES = 512;

  private static final int TYPE = 2;
  private static final int QUEUE = 0;
  private static final int QUEUE_SIZE = 256;

  private static final long FEATURE_SEGMENTS = 1L << 2;
  private static final long FEATURE_READ_ONLY = 1L << 5;
  private static final long FEATURE_BLOCK_SIZE = 1L << 6;
  private static final long FEATURE_FLUSH = 1L << 9;

  private static final int CONFIG_BYTES = 60;
  private static final int IDENTITY_BYTES = 20;

  private final Context context;
  private final Store store;
  private final boolean readOnly;
  private final long sectors;
  private final byte[] config;
  private final InFlight inFlight;
  private final WorkTallies.Tally tally;
  private final Chain chain = new Chain();
  private @Nullable VirtioMmio attached;

  /** The request that was at the store longest at the last look, or -1. */
  private int oldestTag = -1;

  /** Turns of the worker, and how many there had been at a look. */
  private long turns;

  private long turnsAtLook;

  /** The store is to be asked whether it knows of all its requests. */
  private boolean remind;

  BlockDevice(Context context) {
    this.context = context;
    tally = BlkServer.WORK.of(context.path());
    store = context.slot(Slots.BACKEND, Store.class);
    readOnly = store.readOnly();
    sectors = store.sizeBytes() / SECTOR_BYTES;
    config =
        ByteBuffer.allocate(CONFIG_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(0, sectors)
            .putInt(12, QUEUE_SIZE - 2) // seg_max: all but header and status
            .putInt(20, (int) SECTOR_BYTES)
            .array();
    inFlight = new InFlight(store);
  }

  @Override
  public String schema() {
    return "virtio.blk";
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public long features() {
    return FEATURE_SEGMENTS
        | FEATURE_BLOCK_SIZE
        | FEATURE_FLUSH
        | (readOnly ? FEATURE_READ_ONLY : 0);
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
    return config;
  }

  @Override
  public void attach(VirtioMmio transport) {
    attached = transport;
  }

  private VirtioMmio transport() {
    if (attached == null) {
      throw new IllegalStateException("a block device without a transport");
    }
    return attached;
  }

  @Override
  public void work(long bits) {
    VirtioMmio transport = transport();
    turns++;
    tally.notified();
    if (remind) {
      remind = false;
      inFlight.remind();
    }
    if (!transport.running() || !transport.queue(QUEUE).ready()) {
      dropFinished();
      return;
    }
    boolean interrupt = false;
    try (Rings rings = transport.rings(QUEUE)) {
      try {
        rings.mute();
        int begun = 0;
        do {
          finish(rings);
          begun += begin(rings, QUEUE_SIZE - begun);
        } while (!inFlight.full() && begun < QUEUE_SIZE && rings.unmute());
        if (begun == QUEUE_SIZE) {
          transport.again(); // a turn must end, also when the guest never stops asking
        }
      } catch (CallFailed.ServerFailed broken) {
        if (storeAnswers() || refuseAll(rings)) {
          transport.again();
        }
      } finally {
        interrupt = rings.interruptWanted();
      }
    } catch (Malformed malformed) {
      transport.needsReset(malformed);
    }
    if (interrupt) {
      tally.notified();
      transport.interrupt();
    }
  }

  /** Whether the store that has just failed was mended; if not, it was given up. */
  private boolean storeAnswers() {
    try {
      return store.readOnly() == readOnly;
    } catch (CallFailed.ServerFailed givenUp) {
      return false;
    }
  }

  /**
   * There is no store any more: all requests end with an I/O error. Says whether there may be more.
   */
  private boolean refuseAll(Rings rings) throws Malformed {
    for (Request request : inFlight.fail()) {
      rings.complete(request.head, 1);
    }
    for (int refused = 0; refused < QUEUE_SIZE && rings.next(chain); refused++) {
      Request request = Request.read(transport().memory(), chain);
      rings.take();
      end(rings, request, Request.STATUS_ERROR, 0);
    }
    return rings.unmute();
  }

  /** Gives the driver what the store has finished, and the store what it now has place for. */
  private void finish(Rings rings) {
    for (Request request; (request = inFlight.finished()) != null; ) {
      if (request.abandoned()) {
        request.close();
      } else {
        boolean wrote = request.type == Request.TYPE_IN && request.status() == Request.STATUS_OK;
        end(rings, request, request.status(), wrote ? request.dataBytes() : 0);
      }
    }
    inFlight.submitWaiting();
  }

  /** Begins at most {@code most} requests; answers how many. */
  private int begin(Rings rings, int most) throws Malformed {
    int begun = 0;
    while (begun < most && !inFlight.full() && rings.next(chain)) {
      if (inFlight.hasHead(chain.head())) {
        throw new Malformed("request " + chain.head() + " is available and in flight");
      }
      Request request = Request.read(transport().memory(), chain);
      rings.take();
      tally.descriptors(chain.buffers());
      begin(rings, request);
      begun++;
    }
    return begun;
  }

  private void begin(Rings rings, Request request) {
    switch (request.type) {
      case Request.TYPE_FLUSH -> inFlight.start(request, request.parts());
      case Request.TYPE_IN, Request.TYPE_OUT -> {
        if (!allowed(request)) {
          end(rings, request, Request.STATUS_ERROR, 0);
        } else if (request.dataBytes() == 0) {
          end(rings, request, Request.STATUS_OK, 0);
        } else {
          inFlight.start(request, request.parts());
        }
      }
      case Request.TYPE_IDENTITY -> {
        byte[] identity = Arrays.copyOf(store.identity().getBytes(US_ASCII), IDENTITY_BYTES);
        end(rings, request, Request.STATUS_OK, request.write(identity));
      }
      default -> end(rings, request, Request.STATUS_UNSUPPORTED, 0);
    }
  }

  /** Whole sectors, inside the disk, and no write to a read-only one (§5.2.6.2). */
  private boolean allowed(Request request) {
    long bytes = request.dataBytes();
    long count = bytes / SECTOR_BYTES;
    return bytes % SECTOR_BYTES == 0
        && request.sector >= 0
        && request.sector <= sectors - count
        && !(readOnly && request.type == Request.TYPE_OUT);
  }

  private void end(Rings rings, Request request, int status, long written) {
    request.writeStatus(status);
    rings.complete(request.head, written + 1);
    request.close();
  }

  /** Nobody hears of what finishes now; the memory goes back all the same. */
  private void dropFinished() {
    for (Request request; (request = inFlight.finished()) != null; ) {
      request.close();
    }
    inFlight.submitWaiting();
  }

  @Override
  public void reset() {
    inFlight.abandon();
  }

  /**
   * A request that stays at the store from one look to the next may be lost there, or its end was
   * not heard of: the worker asks. Who is too slow is not to blame for that.
   */
  @Override
  public void check() {
    VirtioMmio transport = transport();
    inFlight.check();
    int oldest = inFlight.oldestTag();
    if (oldest >= 0 && oldest == oldestTag) {
      if (inFlight.fetchEarly() && turns > turnsAtLook) {
        throw new IllegalStateException("what the store has finished is not looked at");
      }
      turnsAtLook = turns;
      remind = true;
      transport.again();
    }
    oldestTag = oldest;
    int taken = transport.queue(QUEUE).ready() ? transport.queue(QUEUE).taken() : 0;
    if (inFlight.awaited() != taken) {
      throw new IllegalStateException(
          taken + " requests were taken, and " + inFlight.awaited() + " are in flight");
    }
  }

  @Override
  public boolean takes(int queue) {
    return !inFlight.full();
  }

  @Override
  public BitSet resume(int queue, BitSet outstanding) {
    return inFlight.resume(outstanding);
  }

  @Override
  public State checkpoint() {
    return State.of("virtio.blk.device", 2)
        .with("sectors", sectors)
        .with("series", inFlight.checkpoint());
  }

  @Override
  public State save() {
    return State.of("virtio.blk.device", 2)
        .with("sectors", sectors)
        .with("inFlight", inFlight.save(context));
  }

  @Override
  public void restore(State saved) {
    int version = saved.expect("virtio.blk.device", 2);
    if (saved.number("sectors") != sectors) {
      throw new State.Refused(
          "the guest's disk has " + saved.number("sectors") + " sectors, this store " + sectors);
    }
    if (saved.has("series")) {
      inFlight.restoreSeries(saved.state("series"));
    } else if (version > 1) {
      inFlight.restore(context, saved.state("inFlight"));
    }
  }
}
