package duality.drivers.testing;

import duality.drivers.InterruptController;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Protocol;
import duality.kernel.Rights;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.core.Core;
import duality.kernel.processor.Memory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A machine without a hart, on a real core: memory, interrupt wires that can be looked at, and
 * devices as endpoints, which a test drives as a guest would.
 */
public final class TestBoard implements AutoCloseable {
  /** First byte of the memory. */
  public static final long MEMORY = 0x8000_0000L;

  /** Bytes of memory. */
  public static final long MEMORY_BYTES = 4 << 20;

  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(100);

  /** Devices are tested here, and not how quickly the host of the tests runs them. */
  private static final int PATIENCE = 10;

  /** What the board itself is to the core. */
  @Protocol(rank = Protocol.MACHINE)
  public interface Board {
    /** Does nothing. */
    void idle();
  }

  private final Core core = Core.start(1, 2 * MEMORY_BYTES, PATIENCE);
  private final Map<Integer, Boolean> wires = new ConcurrentHashMap<>();
  private final Context context;
  private final Space memory;
  private final Grant ram;
  private @Nullable Context opened;

  /** A board with its memory in place. */
  public TestBoard() {
    core.register("test.board", this::openBoard, Board.class);
    core.register("test.pager", (context, saved) -> new NoPager(), Pager.class);
    core.register("test.wires", (context, saved) -> new Wires(), InterruptController.class);
    core.create("board", Board.class, Map.of("server", "test.board"), Map.of(), false);
    context = java.util.Objects.requireNonNull(opened);
    memory = context.space("memory");
    Pager pager = child("pager", Pager.class, "test.pager", Map.of(), Map.of());
    long page = MEMORY / Space.PAGE_BYTES;
    long pages = MEMORY_BYTES / Space.PAGE_BYTES;
    int rights = Memory.READ | Memory.WRITE | Memory.EXECUTE;
    memory.region(page, pages, rights, pager);
    Frame frames = core.allFrames();
    memory.map(page, frames, 0, pages, rights);
    ram = memory.grant(MEMORY, MEMORY_BYTES, Memory.READ | Memory.WRITE);
  }

  private Instance openBoard(Context given, @Nullable State saved) {
    opened = given;
    return new BoardInstance();
  }

  /** The authority over the core. */
  public Kernel kernel() {
    return core;
  }

  /** The core, to register servers with. */
  public Core core() {
    return core;
  }

  /** The memory as devices get it. */
  public Space memory() {
    return memory;
  }

  /** The memory as the test reads and writes it, from {@link #MEMORY} on. */
  public Grant ram() {
    return ram;
  }

  /** A notification of the board. */
  public Notification notification(String name) {
    return context.notification(name);
  }

  /** Wires that devices can be given as their interrupt controller. */
  public InterruptController wires() {
    return child("wires", InterruptController.class, "test.wires", Map.of(), Map.of());
  }

  /** The level of a wire. */
  public boolean wire(int source) {
    return wires.getOrDefault(source, false);
  }

  /** Makes an endpoint, or finds it. */
  public <P> P child(
      String name,
      Class<P> protocol,
      String server,
      Map<String, String> config,
      Map<String, Object> endowment) {
    Map<String, String> all = new HashMap<>(config);
    all.put("server", server);
    return context.child(name, protocol, all, endowment);
  }

  /** A capability that tells the server who calls. */
  public <P> P badged(P capability, Class<P> protocol, long badge) {
    return context.derive(capability, protocol, Rights.ALL, badge);
  }

  /** Ends an endpoint. */
  public void remove(String name) {
    context.removeChild(name);
  }

  /** The endpoint of a child, from above. */
  public Endpoint endpoint(String name) {
    return core.endpoint("board/" + name);
  }

  /** Saves a child's state at rest. */
  public State save(String name) {
    Endpoint endpoint = endpoint(name);
    try (Kernel.Hold _ = core.hold(List.of(endpoint), PATIENCE_NANOS)) {
      return endpoint.save();
    }
  }

  /** Replaces a child's instance by one that gets {@code saved}; answers what that one saves. */
  public State restore(String name, State saved) {
    Endpoint endpoint = endpoint(name);
    try (Kernel.Hold _ = core.hold(List.of(endpoint), PATIENCE_NANOS)) {
      endpoint.open(endpoint.server(), saved).bind();
      return endpoint.save();
    }
  }

  /** Swaps a child's instance for a new one of the same server. */
  public void swap(String name) {
    Endpoint endpoint = endpoint(name);
    try (Kernel.Hold _ = core.hold(List.of(endpoint), PATIENCE_NANOS)) {
      endpoint.open(endpoint.server(), endpoint.save()).bind();
    }
  }

  /** Grants of the memory that are open, besides the test's own. */
  public long openGrants() {
    return core.spaces().stream().mapToLong(each -> each.grants()).sum() - 1;
  }

  /**
   * Waits until something is so.
   *
   * @throws AssertionError when it does not come to be
   */
  public static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never came to be: " + what);
      }
      Thread.onSpinWait();
      Thread.yield();
    }
  }

  @Override
  public void close() {
    ram.close();
    core.close();
  }

  private static final class BoardInstance implements Board, Instance {
    @Override
    public void idle() {}

    @Override
    public State save() {
      return State.of("test.board", 1);
    }
  }

  /** All memory is mapped from the start; what is missing stays so. */
  private static final class NoPager implements Pager, Instance {
    @Override
    public void attach(int space, long page, long pages, int rights) {}

    @Override
    public void detach(int space, long page, long pages) {}

    @Override
    public boolean fault(int space, long page, int access) {
      return false;
    }

    @Override
    public State save() {
      return State.of("test.pager", 1);
    }
  }

  private final class Wires implements InterruptController, Instance {
    @Override
    public void level(int source, boolean asserted) {
      wires.put(source, asserted);
    }

    @Override
    public long load(long offset, int width) {
      return 0;
    }

    @Override
    public void store(long offset, int width, long value) {}

    @Override
    public void reset() {}

    @Override
    public State save() {
      throw new CallFailed.BadRequest("wires of a test are not saved");
    }
  }
}
