package duality.shell.machine;

import duality.drivers.Console;
import duality.drivers.Network;
import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.Progress;
import duality.kernel.CallFailed;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Notification;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.TaskReport;
import duality.vmm.GdbStub;
import duality.vmm.GuestAgent;
import duality.vmm.MachineReport;
import duality.vmm.Step;
import duality.vmm.Stop;
import duality.vmm.StopPoint;
import duality.vmm.VirtualMachine;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A root that makes machines of cardboard: they have a state, a console and an agent that says what
 * it was told to.
 */
final class FakeSystem implements Root {
  /** Configurations of the machines that were made, by path. */
  final Map<String, Map<String, String>> configs = new TreeMap<>();

  /** Consoles by the machine's path. */
  final Map<String, TypedConsole> consoles = new HashMap<>();

  /** What machines are doing, by path. */
  final Map<String, String> states = new HashMap<>();

  /** Why machines that are paused stand: empty, or which stop of a debugger they have met. */
  String why = "";

  /** What is plugged into networks, by path. */
  final Map<String, List<Network.Card>> networks = new TreeMap<>();

  /** The one agent of all guests. */
  final FakeAgent agent = new FakeAgent();

  /** What a start ends with, when it shall fail. */
  Optional<String> startFails = Optional.empty();

  /** An image that comes up at once. */
  static GuestImage image(String name) {
    return image(name, Optional.empty());
  }

  /** The same, with a native program of any name. */
  static GuestImage image(String name, Optional<Path> program) {
    return new GuestImage() {
      @Override
      public Optional<Path> program(String wanted) {
        return program;
      }

      @Override
      public String name() {
        return name;
      }

      @Override
      public String description() {
        return "cardboard";
      }

      @Override
      public boolean ready() {
        return true;
      }

      @Override
      public String howToGet() {
        return "";
      }

      @Override
      public Boot prepare(Progress progress) {
        return new Boot(
            Path.of("/images", name), Optional.empty(), "quiet", 64 << 20, 8 << 20, "up", true);
      }
    };
  }

  /** Endpoints of debuggers, and their configured ports. */
  final Map<String, String> stubs = new TreeMap<>();

  private final class FakeStub implements GdbStub {
    private final String path;

    FakeStub(String path) {
      this.path = path;
    }

    @Override
    public int serve(VirtualMachine machine) {
      if (stubs.get(path).equals("22")) {
        throw new CallFailed.BadRequest("port 22 cannot be had: Permission denied");
      }
      return Integer.parseInt(stubs.get(path));
    }

    @Override
    public Report report() {
      return new Report(Integer.parseInt(stubs.get(path)), false, 0);
    }
  }

  @Override
  public <P> P create(String path, Class<P> protocol, Map<String, String> config) {
    if (protocol == GdbStub.class) {
      stubs.put(path, config.get("port"));
      return connect(path, protocol);
    }
    configs.put(path, config);
    consoles.put(path, new TypedConsole());
    states.put(path, "created");
    return connect(path, protocol);
  }

  @Override
  public <P> P connect(String path, Class<P> protocol) {
    if (protocol == Network.class) {
      return protocol.cast(new FakeNetwork(networks.getOrDefault(path, List.of())));
    }
    if (protocol == GuestAgent.class) {
      return protocol.cast(agent);
    }
    if (protocol == GdbStub.class) {
      return protocol.cast(new FakeStub(path));
    }
    if (protocol == Console.class) {
      return protocol.cast(consoles.get(path.replaceFirst("/console$", "")));
    }
    if (!configs.containsKey(path)) {
      throw new CallFailed.BadRequest("there is no endpoint " + path);
    }
    return protocol == Personality.class
        ? protocol.cast(new FakeTask(path))
        : protocol.cast(new FakeMachine(path));
  }

  @Override
  public void remove(String path) {
    stubs.remove(path);
    configs.remove(path);
    states.remove(path);
  }

  @Override
  public List<String> paths(Class<?> protocol) {
    if (protocol == Network.class) {
      return List.copyOf(networks.keySet());
    }
    if (protocol == GdbStub.class) {
      return List.copyOf(stubs.keySet());
    }
    return protocol == GuestAgent.class
        ? configs.keySet().stream().map(path -> path + "/agent").toList()
        : List.copyOf(configs.keySet());
  }

  @Override
  public Frame allocate(String owner, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void free(String owner, Frame frames) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FrameBalance balance() {
    return new FrameBalance(0, 0, Map.of());
  }

  @Override
  public List<String> route(String path, String protocol) {
    return List.of("fake");
  }

  /** A network that has cards, and carries nothing. */
  private record FakeNetwork(List<Network.Card> cards) implements Network {
    @Override
    public int longestFrame() {
      return 1514;
    }

    @Override
    public boolean plug(long card, Notification events, int bit) {
      return false;
    }

    @Override
    public void unplug(long card) {}

    @Override
    public int send(long card, Grant from, long offset, int length, int part) {
      return UNPLUGGED;
    }

    @Override
    public int waiting(long card) {
      return UNPLUGGED;
    }

    @Override
    public int receive(long card, int skip, Grant to, long offset, int most) {
      return UNPLUGGED;
    }

    @Override
    public void drop(long card) {}

    @Override
    public Report report() {
      return new Report(cards, 0, 0);
    }
  }

  /** A program that prints what it was configured with, and ends. */
  private final class FakeTask implements Personality {
    private final String path;

    FakeTask(String path) {
      this.path = path;
    }

    @Override
    public void start() {
      consoles.get(path).written("ran\n");
      states.put(path, "exited");
    }

    @Override
    public void stop() {
      states.put(path, "exited");
    }

    @Override
    public TaskReport report() {
      String state = states.get(path);
      int status = state.equals("exited") ? 0 : -1;
      String file = configs.get(path).get("file");
      return new TaskReport(path, file, state, status, "", 1, 0, 0, 0, 0, 0, 1 << 20);
    }

    @Override
    public TaskReport await(long timeoutMillis) {
      return report();
    }

    @Override
    public int trap(int thread, int cause, long value) {
      return SUSPEND;
    }

    @Override
    public long load(int thread, long address, int width) {
      return 0;
    }

    @Override
    public void store(int thread, long address, int width, long value) {}
  }

  private final class FakeMachine implements VirtualMachine {
    private final String path;

    FakeMachine(String path) {
      this.path = path;
    }

    @Override
    public void start() {
      if (startFails.isPresent()) {
        throw new CallFailed.BadRequest(startFails.get());
      }
      states.put(path, "running");
      consoles.get(path).written("booting\nup\n");
    }

    @Override
    public void pause() {
      states.replace(path, "running", "paused");
    }

    @Override
    public void resume() {
      states.replace(path, "paused", "running");
    }

    @Override
    public void stop() {
      states.put(path, "stopped");
    }

    @Override
    public MachineReport report() {
      String image = configs.get(path).get("image");
      String name = path.substring("vm/".length());
      // The third and all behind it have not been started.
      String harts =
          IntStream.range(0, harts())
              .mapToObj(each -> path + ":hart" + each + (each < 2 ? " started" : " stopped"))
              .collect(Collectors.joining("\n"));
      return new MachineReport(
          name, image, states.get(path), 64 << 20, 0, harts(), 0, 0, 0, harts, "uart", "");
    }

    private int harts() {
      return Integer.parseInt(configs.get(path).getOrDefault("cpus", "1"));
    }

    @Override
    public HartState registers(int hart) {
      if (hart >= harts()) {
        throw new CallFailed.BadRequest(
            "there is no hart " + hart + "; there are 0 to " + (harts() - 1));
      }
      long[] x = new long[32];
      x[1] = 0x8000_0010L;
      x[2] = 0x8100_0000L;
      Map<String, Long> csrs = Map.of("mstatus", 2L, "stvec", 0x8000_0004L, "scause", 8L);
      return new HartState(HartMode.FULL, false, 0x8000_0002L, 1, false, x, new long[32], csrs, 0);
    }

    @Override
    public void setRegisters(int hart, HartState state) {
      throw new UnsupportedOperationException();
    }

    /** Two nops, a return, and a word that is nothing; nothing is behind them. */
    @Override
    public byte[] read(int hart, long address, int length) {
      byte[] code = {1, 0, 1, 0, (byte) 0x82, (byte) 0x80, -1, -1, -1, -1};
      long offset = address - 0x8000_0000L;
      int from = offset < 0 ? code.length : (int) Math.min(offset, code.length);
      return Arrays.copyOfRange(code, from, Math.min(code.length, from + length));
    }

    @Override
    public void write(int hart, long address, byte[] bytes) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void stopAt(List<StopPoint> points) {}

    @Override
    public Stop stopped() {
      boolean met = states.get(path).equals("paused") && !why.isEmpty();
      return new Stop(states.get(path), met ? 1 : 0, 0, met ? why : "", 0);
    }

    /** Always the same three; the last one is none, for an interrupt came in its place. */
    @Override
    public List<Step> step(int hart, int count, boolean interrupts, long millis) {
      if (!states.get(path).equals("paused")) {
        throw new CallFailed.BadRequest("the machine is " + states.get(path) + ", not paused");
      }
      List<Step> steps =
          List.of(
              new Step(0x8000_0000L, 0x4505, 1, new long[] {10, 1}, Step.NO_TRAP),
              new Step(0x8000_0002L, 0x73, 0, new long[0], 8),
              new Step(0x8000_0100L, 0, 1, new long[0], Long.MIN_VALUE + 5));
      return steps.subList(0, Math.min(3, count));
    }

    @Override
    public int trap(int thread, int cause, long value) {
      return SUSPEND;
    }

    @Override
    public long load(int thread, long address, int width) {
      return 0;
    }

    @Override
    public void store(int thread, long address, int width, long value) {}
  }
}
