package duality.vmm.gdb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import duality.kernel.CallFailed;
import duality.kernel.State;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Memory;
import duality.vmm.Stop;
import duality.vmm.StopPoint;
import duality.vmm.VirtualMachine;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a debugger and a machine say to each other (GDB manual appendix E): packets in, answers out.
 * All harts stop together; each is a thread, hart 0 thread 1. A thread that is stepped runs alone.
 *
 * <p>Not thread-safe.
 */
final class Conversation {
  /** Signals by number: what a stop looks like to GDB. */
  private static final String INTERRUPTED = "02";

  private static final String TRAPPED = "05";
  private static final String OK = "OK";
  private static final String ERROR = "E01";
  private static final String UNKNOWN = "";

  /** As QEMU's stub has it. */
  private static final String PHYSICAL_MODE = "Qqemu.PhyMemMode:";

  private static final int PACKET_BYTES = 0x8000;
  private static final long STEP_MILLIS = 1_000;

  /** Steps of a range that are done in one go. */
  private static final int STEPS_AT_ONCE = 500;

  private static final Pattern RESUME =
      Pattern.compile("([csCSr])(?:[0-9a-f]{2}|([0-9a-f]+),([0-9a-f]+))?(?::(-?[0-9a-f.p]+))?");

  private final VirtualMachine machine;
  private final Framing framing;
  private final Set<StopPoint> points = new LinkedHashSet<>();

  /** The hart that is asked about. */
  private int hart;

  /** Whether an answer is due when the machine stops. */
  private boolean running;

  /** Whether a part of the program is stepped through, and which: its start and bytes. */
  private boolean ranging;

  private long rangeStart;
  private long rangeBytes;

  /** The machine's count of stops when it went on last. */
  private long stopsBefore;

  /** It was interrupted by the debugger. */
  private boolean interrupted;

  /** Whether the machine ran when the debugger came. */
  private boolean ranBefore;

  /** Whether addresses of memory are guest-physical ones, as the debugger's user asked. */
  private boolean physical;

  private boolean over;
  private long answered;

  /** With a debugger that has come just now; the machine is paused. */
  Conversation(VirtualMachine machine, Framing framing) {
    this.machine = machine;
    this.framing = framing;
  }

  /** The debugger has come. */
  void begin() {
    ranBefore = machine.report().state().equals("running");
    machine.pause();
  }

  /** Whether the debugger has said good-bye. */
  boolean over() {
    return over;
  }

  /** Whether the machine goes on, and its stop is waited for. */
  boolean running() {
    return running;
  }

  /** Packets that were answered. */
  long answered() {
    return answered;
  }

  /**
   * The debugger has gone, one way or another: the machine is as it would be without it. To be
   * called again when it fails.
   */
  void end() {
    over = true;
    machine.stopAt(List.of());
    if (ranBefore || running) {
      machine.resume();
    }
    running = false;
  }

  /** Ctrl-C. */
  void interrupt() {
    if (running) {
      interrupted = true;
      ranging = false;
      machine.pause();
    }
  }

  /** Looks whether a machine that was let go has stopped, and says so. */
  void look() {
    if (!running) {
      return;
    }
    if (ranging) {
      try {
        stepThroughRange();
      } catch (CallFailed.BadRequest refused) {
        ranging = false;
        say(refused);
      }
      return;
    }
    Stop stop = machine.stopped();
    if (stop.state().equals("running")) {
      return;
    }
    running = false;
    answer(reason(stop));
  }

  /** Whether a range is being stepped through. */
  boolean inRange() {
    return ranging;
  }

  private String reason(Stop stop) {
    if (!stop.state().equals("paused")) {
      return stop.state().equals("stopped") ? "W00" : "W01"; // off, or failed
    }
    if (stop.number() != stopsBefore && !stop.why().isEmpty()) {
      hart = stop.hart();
      return stop.why().equals("watchpoint") ? watched(stop) : stopped(TRAPPED);
    }
    String signal = interrupted ? INTERRUPTED : TRAPPED;
    interrupted = false;
    return stopped(signal);
  }

  private String watched(Stop stop) {
    for (StopPoint point : points) {
      if (point.access() != Memory.EXECUTE
          && stop.address() - point.address() < point.bytes()
          && point.address() - stop.address() < 8) {
        String kind =
            switch (point.access()) {
              case Memory.WRITE -> "watch";
              case Memory.READ -> "rwatch";
              default -> "awatch";
            };
        return stopped(TRAPPED) + kind + ":" + Long.toHexString(point.address()) + ";";
      }
    }
    return stopped(TRAPPED);
  }

  private String stopped(String signal) {
    return "T" + signal + "thread:" + Integer.toHexString(hart + 1) + ";";
  }

  private void answer(String text) {
    answered++;
    framing.send(text);
  }

  /** Tells the debugger's user something, in between. */
  private void say(CallFailed why) {
    framing.send("O" + hex((why.getMessage() + "\n").getBytes(US_ASCII)));
  }

  /**
   * Answers a packet; what lets the machine go is answered when it has stopped. A packet that makes
   * no sense, or that the machine refuses, is an error; so is one of which a machine that is just
   * being replaced does not say what became of it.
   */
  void packet(String packet) {
    try {
      String answer = answerTo(packet);
      if (answer != null) {
        answer(answer);
        if (packet.equals("QStartNoAckMode")) {
          framing.withoutAcknowledgements();
        }
      }
    } catch (CallFailed.Revoked gone) {
      throw gone;
    } catch (CallFailed | IllegalArgumentException | IndexOutOfBoundsException refused) {
      answer(ERROR);
    }
  }

  private @Nullable String answerTo(String packet) {
    if (packet.isEmpty()) {
      return UNKNOWN;
    }
    String rest = packet.substring(1);
    return switch (packet.charAt(0)) {
      case '?' -> stopped(TRAPPED);
      case 'q' -> query(packet);
      case 'Q' -> set(packet);
      case 'v' -> verbose(packet);
      case 'c' -> goOn(rest, false);
      case 's' -> goOn(rest, true);
      case 'g' -> allRegisters();
      case 'G' -> setAllRegisters(rest);
      case 'p' -> register(Integer.parseInt(rest, 16));
      case 'P' -> setRegister(rest);
      case 'm' -> readMemory(rest);
      case 'M' -> writeMemory(rest, false);
      case 'X' -> writeMemory(rest, true);
      case 'Z' -> point(rest, true);
      case 'z' -> point(rest, false);
      case 'H' -> select(rest);
      case 'T' -> known(thread(rest)) ? OK : ERROR;
      case 'D' -> {
        over = true;
        yield OK;
      }
      case 'k' -> {
        over = true;
        yield null;
      }
      default -> UNKNOWN;
    };
  }

  private String set(String packet) {
    if (packet.equals("QStartNoAckMode")) {
      return OK;
    }
    if (packet.startsWith(PHYSICAL_MODE)) {
      physical = packet.equals(PHYSICAL_MODE + "1");
      return OK;
    }
    return UNKNOWN;
  }

  // ---- queries ----

  private String query(String packet) {
    if (packet.startsWith("qSupported")) {
      return "PacketSize="
          + Integer.toHexString(PACKET_BYTES)
          + ";QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;vContSupported+";
    }
    if (packet.startsWith("qXfer:features:read:target.xml:")) {
      boolean firmware = machine.registers(0).firmware();
      return part(Registers.description(firmware), packet.substring(packet.lastIndexOf(':') + 1));
    }
    if (packet.startsWith("qXfer:threads:read::")) {
      return part(threadList(), packet.substring(packet.lastIndexOf(':') + 1));
    }
    if (packet.startsWith("qThreadExtraInfo,")) {
      int number = thread(packet.substring(packet.indexOf(',') + 1));
      return hex(("hart " + number + ", " + about(number)).getBytes(US_ASCII));
    }
    if (packet.startsWith("qRcmd,")) {
      return monitor(new String(bytes(packet.substring("qRcmd,".length())), US_ASCII).strip());
    }
    return switch (packet) {
      case "qC" -> "QC" + Integer.toHexString(hart + 1);
      case "qAttached" -> "1";
      case "qqemu.PhyMemMode" -> physical ? "1" : "0";
      case "qfThreadInfo" -> threads();
      case "qsThreadInfo" -> "l";
      case "qSymbol::" -> OK;
      default -> UNKNOWN;
    };
  }

  private String threadList() {
    StringBuilder xml = new StringBuilder("<?xml version=\"1.0\"?>\n<threads>\n");
    for (int i = 0; i < machine.report().harts(); i++) {
      xml.append("<thread id=\"").append(Integer.toHexString(i + 1));
      xml.append("\" core=\"").append(i).append("\" name=\"hart ").append(i).append("\">");
      xml.append(about(i)).append("</thread>\n");
    }
    return xml.append("</threads>\n").toString();
  }

  /** What a list of threads says of a hart. */
  private String about(int number) {
    HartState state = machine.registers(number);
    String mode = state.privilege() == 0 ? "U" : state.privilege() == 1 ? "S" : "M";
    return (isStarted(number) ? mode + "-mode" : "not started")
        + (state.waiting() ? ", waits for an interrupt" : "");
  }

  private boolean isStarted(int number) {
    return machine.report().hartStates().contains("hart" + number + " started");
  }

  /** What a user of the debugger asks the machine for, with its command {@code monitor}. */
  private String monitor(String command) {
    String answer =
        switch (command) {
          case "harts" -> machine.report().hartStates();
          case "physical on", "physical off" -> {
            physical = command.endsWith("on");
            yield "addresses are " + (physical ? "guest-physical" : "virtual");
          }
          case "physical" -> "addresses are " + (physical ? "guest-physical" : "virtual");
          default ->
              (command.equals("help") ? "" : "there is no '" + command + "'; there are\n")
                  + "harts                what each of them is and does\n"
                  + "physical [on|off]    whether addresses of memory are guest-physical ones";
        };
    return hex((answer + "\n").getBytes(US_ASCII));
  }

  private String threads() {
    List<String> numbers = new ArrayList<>();
    for (int i = 1; i <= machine.report().harts(); i++) {
      numbers.add(Integer.toHexString(i));
    }
    return "m" + String.join(",", numbers);
  }

  private static String part(String text, String place) {
    String[] numbers = place.split(",", 2);
    int from = Math.min(Integer.parseInt(numbers[0], 16), text.length());
    int most = Math.min(Integer.parseInt(numbers[1], 16), PACKET_BYTES / 2);
    int to = Math.min(text.length(), from + most);
    return (to == text.length() ? "l" : "m") + text.substring(from, to);
  }

  /** The hart that a thread's number means; any is the one that is asked about. */
  private int thread(String text) {
    int number = Integer.parseInt(text, 16);
    return number <= 0 ? hart : number - 1;
  }

  private boolean known(int number) {
    return number >= 0 && number < machine.report().harts();
  }

  private String select(String rest) {
    int number = thread(rest.substring(1));
    if (!known(number)) {
      return ERROR;
    }
    hart = number;
    return OK;
  }

  // ---- registers and memory ----

  private String allRegisters() {
    HartState state = machine.registers(hart);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i <= Registers.PC; i++) {
      text.append(hex(Registers.get(state, i), 8));
    }
    return text.toString();
  }

  private String setAllRegisters(String values) {
    HartState state = machine.registers(hart);
    for (int i = 0; i <= Registers.PC && 16 * i + 16 <= values.length(); i++) {
      state = Registers.set(state, i, number(values.substring(16 * i, 16 * i + 16)));
    }
    machine.setRegisters(hart, state);
    return OK;
  }

  private String register(int number) {
    int bytes = Registers.bytes(number);
    return bytes == 0 ? ERROR : hex(Registers.get(machine.registers(hart), number), bytes);
  }

  private String setRegister(String rest) {
    int equals = rest.indexOf('=');
    int number = Integer.parseInt(rest.substring(0, equals), 16);
    if (Registers.bytes(number) == 0) {
      return ERROR;
    }
    HartState state = machine.registers(hart);
    machine.setRegisters(hart, Registers.set(state, number, number(rest.substring(equals + 1))));
    return OK;
  }

  private String readMemory(String rest) {
    int comma = rest.indexOf(',');
    long address = Long.parseUnsignedLong(rest.substring(0, comma), 16);
    int length = Math.min(Integer.parseInt(rest.substring(comma + 1), 16), PACKET_BYTES / 2 - 8);
    byte[] bytes = machine.read(physical ? VirtualMachine.PHYSICAL : hart, address, length);
    return bytes.length == 0 && length > 0 ? ERROR : hex(bytes);
  }

  private String writeMemory(String rest, boolean binary) {
    int comma = rest.indexOf(',');
    int colon = rest.indexOf(':');
    long address = Long.parseUnsignedLong(rest.substring(0, comma), 16);
    int length = Integer.parseInt(rest.substring(comma + 1, colon), 16);
    String data = rest.substring(colon + 1);
    byte[] bytes = binary ? data.getBytes(ISO_8859_1) : bytes(data);
    if (bytes.length != length) {
      return ERROR;
    }
    machine.write(physical ? VirtualMachine.PHYSICAL : hart, address, bytes);
    return OK;
  }

  // ---- going on ----

  private String point(String rest, boolean set) {
    String[] parts = rest.split("[,;]", -1);
    int access =
        switch (parts[0]) {
          case "0", "1" -> Memory.EXECUTE;
          case "2" -> Memory.WRITE;
          case "3" -> Memory.READ;
          case "4" -> Memory.READ | Memory.WRITE;
          default -> 0;
        };
    if (access == 0) {
      return UNKNOWN;
    }
    // For instructions GDB says how wide an ebreak has to be there: we put none.
    int bytes = access == Memory.EXECUTE ? 1 : Integer.parseInt(parts[2], 16);
    StopPoint point = new StopPoint(access, Long.parseUnsignedLong(parts[1], 16), bytes);
    Set<StopPoint> wanted = new LinkedHashSet<>(points);
    if (set) {
      wanted.add(point);
    } else {
      wanted.remove(point);
    }
    machine.stopAt(List.copyOf(wanted));
    points.clear();
    points.addAll(wanted);
    return OK;
  }

  private @Nullable String verbose(String packet) {
    if (packet.equals("vCont?")) {
      return "vCont;c;C;s;S;r";
    }
    if (!packet.startsWith("vCont;")) {
      return UNKNOWN;
    }
    // The first action that fits a thread is its own; one that is stepped runs alone.
    String[] all = packet.substring("vCont;".length()).split(";", -1);
    for (String action : all) {
      Matcher parts = RESUME.matcher(action);
      if (!parts.matches()) {
        return ERROR;
      }
      char kind = Character.toLowerCase(parts.group(1).charAt(0));
      String thread = parts.group(4);
      boolean alone = kind == 'c' && all.length == 1 && thread != null && !thread.equals("-1");
      if (kind != 'c' || alone) {
        int number = thread == null ? hart : thread(thread);
        if (!known(number)) {
          return ERROR;
        }
        hart = number;
        if (kind == 's') {
          return step();
        }
        if (kind == 'r') {
          long start = Long.parseUnsignedLong(parts.group(2), 16);
          return range(start, Long.parseUnsignedLong(parts.group(3), 16) - start);
        }
        if (machine.report().harts() > 1) {
          return range(0, -1); // one goes on while the others stand: in steps, wherever it goes
        }
      }
    }
    return goOn("", false);
  }

  private @Nullable String range(long start, long bytes) {
    stopsBefore = machine.stopped().number();
    rangeStart = start;
    rangeBytes = bytes;
    ranging = true;
    interrupted = false;
    running = true;
    return null;
  }

  private @Nullable String goOn(String address, boolean step) {
    if (!address.isEmpty()) {
      HartState state = machine.registers(hart);
      machine.setRegisters(
          hart, Registers.set(state, Registers.PC, Long.parseUnsignedLong(address, 16)));
    }
    if (step) {
      return step();
    }
    stopsBefore = machine.stopped().number();
    interrupted = false;
    ranging = false;
    machine.resume();
    running = true;
    return null;
  }

  private String step() {
    stopsBefore = machine.stopped().number();
    interrupted = false;
    try {
      machine.step(hart, 1, false, STEP_MILLIS);
    } catch (CallFailed.BadRequest refused) {
      say(refused); // it stands where it stood
    }
    Stop now = machine.stopped();
    // When somebody else has let it go, Ctrl-C stops it again.
    return now.state().equals("running") ? stopped(TRAPPED) : reason(now);
  }

  /** Steps until the range is left, or a stop is met, for a while. */
  private void stepThroughRange() {
    for (int i = 0; i < STEPS_AT_ONCE && ranging; i++) {
      machine.step(hart, 1, false, STEP_MILLIS);
      long pc = machine.registers(hart).pc();
      boolean inside = Long.compareUnsigned(pc - rangeStart, rangeBytes) < 0;
      boolean met = points.contains(new StopPoint(Memory.EXECUTE, pc, 1));
      Stop now = machine.stopped();
      boolean stands = now.state().equals("paused") && now.number() == stopsBefore;
      ranging = inside && !met && stands;
    }
  }

  // ---- numbers ----

  /** Little-endian, as the target's memory is. */
  private static String hex(long value, int bytes) {
    StringBuilder text = new StringBuilder(2 * bytes);
    for (int i = 0; i < bytes; i++) {
      append(text, (int) (value >>> 8 * i));
    }
    return text.toString();
  }

  private static byte[] bytes(String hex) {
    byte[] bytes = new byte[hex.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
    }
    return bytes;
  }

  private static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder(2 * bytes.length);
    for (byte each : bytes) {
      append(text, each);
    }
    return text.toString();
  }

  private static void append(StringBuilder text, int bits) {
    text.append(Character.forDigit(bits >>> 4 & 15, 16)).append(Character.forDigit(bits & 15, 16));
  }

  private static long number(String hex) {
    long value = 0;
    for (int i = hex.length() / 2 - 1; i >= 0; i--) {
      value = value << 8 | Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
    }
    return value;
  }

  // ---- state ----

  State save() {
    List<State> all = new ArrayList<>();
    for (StopPoint each : points) {
      all.add(
          State.of("point", 1)
              .with("access", each.access())
              .with("address", each.address())
              .with("bytes", each.bytes()));
    }
    return State.of("conversation", 1)
        .with("points", all)
        .with("hart", hart)
        .with("running", running)
        .with("ranging", ranging)
        .with("rangeStart", rangeStart)
        .with("rangeBytes", rangeBytes)
        .with("stopsBefore", stopsBefore)
        .with("interrupted", interrupted)
        .with("ranBefore", ranBefore)
        .with("physical", physical)
        .with("acknowledged", framing.isAcknowledged())
        .with("answered", answered);
  }

  void restore(State saved) {
    saved.expect("conversation", 1);
    for (State each : saved.states("points")) {
      points.add(
          new StopPoint(
              (int) each.number("access", 1, Memory.EXECUTE),
              each.number("address"),
              (int) each.number("bytes", 1, 4096)));
    }
    hart = (int) saved.number("hart", 0, 63);
    running = saved.flag("running");
    ranging = saved.flag("ranging");
    rangeStart = saved.number("rangeStart");
    rangeBytes = saved.number("rangeBytes");
    stopsBefore = saved.number("stopsBefore", 0, Long.MAX_VALUE);
    interrupted = saved.flag("interrupted");
    ranBefore = saved.flag("ranBefore");
    physical = saved.has("physical") && saved.flag("physical"); // older ones did not know it
    answered = saved.number("answered", 0, Long.MAX_VALUE);
    if (!saved.flag("acknowledged")) {
      framing.withoutAcknowledgements();
    }
  }
}
