package duality.shell.machine;

import duality.kernel.processor.HartState;
import duality.shell.command.Arguments;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.disassembly.Disassembler;
import duality.vmm.MachineReport;
import duality.vmm.Step;
import duality.vmm.VirtualMachine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Looks into machines: registers, code, what a hart does. */
@Component(service = DebugCommands.class, immediate = true)
public final class DebugCommands extends CommandGroup {
  private static final String SCOPE = "vm";
  private static final String NAME = "NAME";
  private static final String ADDRESS = "ADDRESS";
  private static final String COUNT = "COUNT";
  private static final String HART = "--hart";
  private static final Duration TRACE_LIMIT = Duration.ofSeconds(10);
  private static final int STEPS_AT_ONCE = 1_000;
  private static final int MOST_STEPS = 1_000_000;
  private static final int MOST_LINES = 100_000;
  private static final Pattern SUM =
      Pattern.compile("([a-z][a-z0-9]*|(?:0x)?[0-9a-f]+)([+-](?:0x)?[0-9a-f]+)?");

  private final Machines machines;

  /** With the machines. */
  @Activate
  public DebugCommands(@Reference Machines machines) {
    this.machines = machines;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "regs", "Shows the registers of a machine's hart, or of all.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .option(HART, Kind.TEXT, "which hart (0), or all of them, at one moment: all")
                .flag("--floats", "f0 to f31, too")
                .note("A machine that runs stands still for that moment.")
                .note("Of control and status registers those are shown that are not zero."),
            this::registers),
        new Command(
            Syntax.of(SCOPE, "disasm", "Shows the instructions in a machine's memory.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .takes(
                    ADDRESS, Kind.TEXT, "where: a number, pc, ra, stvec, …, or such a one + 0x10")
                .mayTake(COUNT, Kind.COUNT, "how many instructions (10)")
                .option(HART, Kind.COUNT, "the hart through whose page tables to look (0)")
                .flag("--physical", "the address is guest-physical")
                .note("=> is where the hart is; compressed instructions are shown in full."),
            this::disassemble),
        new Command(
            Syntax.of(SCOPE, "trace", "Executes instructions one by one and shows them.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .mayTake(COUNT, Kind.COUNT, "how many (20)")
                .option(HART, Kind.COUNT, "which hart (0); the others rest meanwhile")
                .option("--timeout", Kind.TIME, "the longest it may take (10s)")
                .note("Each line: address, mode, instruction, and the registers that it changed.")
                .note("A machine that ran goes on afterwards; one that was paused stays so."),
            this::trace),
        new Command(
            Syntax.of(SCOPE, "gdb", "Lets gdb-multiarch attach to a machine.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .mayTake("PORT", Kind.COUNT, "TCP port of this host alone (1234); 0: any free one")
                .flag("--end", "sends the debugger away, and lets none attach any more")
                .note("gdb-multiarch -ex 'target remote localhost:1234' vmlinux")
                .note("The machine stands still from the moment gdb attaches; when gdb detaches or")
                .note("ends, it goes on. Breakpoints and watchpoints leave its memory as it is."),
            this::gdb));
  }

  /** A machine that debuggers can attach to. */
  record Open(String name, int port) implements Notice {
    @Override
    public String line() {
      return name + ": gdb-multiarch -ex 'target remote localhost:" + port + "' attaches";
    }
  }

  /** A machine that they can not attach to any more. */
  record Closed(String name) implements Notice {
    @Override
    public String line() {
      return name + ": no debugger can attach any more";
    }
  }

  private Notice gdb(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    String name = arguments.text(NAME);
    if (!arguments.has("--end")) {
      int port = arguments.count("PORT", 1234);
      if (port > 65_535) {
        throw new CommandFailed("PORT " + port + " is not from 0 to 65535");
      }
      return new Open(name, machines.openToDebuggers(name, port));
    }
    machines.machine(name);
    if (!machines.closeToDebuggers(name)) {
      throw new CommandFailed("no debugger could attach to '" + name + "'");
    }
    return new Closed(name);
  }

  private String registers(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    VirtualMachine machine = machines.machine(arguments.text(NAME));
    boolean floats = arguments.has("--floats");
    int width = call.screen().width();
    String which = arguments.text(HART, "0");
    if (!which.equals("all")) {
      int hart = number(HART, which);
      return RegisterText.of(hart, machine.registers(hart), floats, width);
    }
    MachineReport report = machine.report();
    boolean ran = report.state().equals("running");
    if (ran) {
      machine.pause(); // or each would be shown at another moment
    }
    List<String> all = new ArrayList<>();
    try {
      for (int hart = 0; hart < report.harts(); hart++) {
        all.add(
            report.hartStates().contains("hart" + hart + " stopped")
                ? "hart " + hart + " is not started"
                : RegisterText.of(hart, machine.registers(hart), floats, width));
      }
    } finally {
      if (ran) {
        goOn(machine);
      }
    }
    return String.join("\n\n", all);
  }

  /** After a look at it: where it has met a debugger's stop meanwhile, the debugger lets it go. */
  private static void goOn(VirtualMachine machine) {
    if (machine.stopped().why().isEmpty()) {
      machine.resume();
    }
  }

  private static int number(String option, String text) throws CommandFailed {
    if (!text.matches("[0-9]{1,4}")) {
      throw new CommandFailed(option + " " + text + ": a hart's number, or all");
    }
    return Integer.parseInt(text);
  }

  private String disassemble(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    VirtualMachine machine = machines.machine(arguments.text(NAME));
    int hart = arguments.count(HART, 0);
    int count = arguments.count(COUNT, 10);
    if (count > MOST_LINES) {
      throw new CommandFailed("COUNT " + count + " is more than " + MOST_LINES);
    }
    HartState state = machine.registers(hart);
    long address = address(arguments.text(ADDRESS), state);
    int from = arguments.has("--physical") ? VirtualMachine.PHYSICAL : hart;
    byte[] code = machine.read(from, address, 4 * count);
    List<String> lines = new ArrayList<>();
    int at = 0;
    while (lines.size() < count && at + 2 <= code.length) {
      int word = word(code, at);
      int length = Disassembler.length(word);
      if (at + length > code.length) {
        break;
      }
      lines.add((address + at == state.pc() ? "=> " : "   ") + line(address + at, word));
      at += length;
    }
    if (lines.size() < count) {
      if (lines.isEmpty()) {
        throw new CommandFailed("there is no memory at 0x" + Long.toHexString(address));
      }
      lines.add("   0x" + Long.toHexString(address + at) + "  no memory");
    }
    return String.join("\n", lines);
  }

  private static int word(byte[] code, int at) {
    int word = 0;
    for (int i = Math.min(3, code.length - at - 1); i >= 0; i--) {
      word = word << 8 | code[at + i] & 0xff;
    }
    return word;
  }

  private static String line(long address, int word) {
    String bits =
        Disassembler.length(word) == 2
            ? String.format(Locale.ROOT, "%04x    ", word & 0xffff)
            : String.format(Locale.ROOT, "%08x", word);
    return "0x" + Long.toHexString(address) + "  " + bits + "  " + Disassembler.show(address, word);
  }

  /** A number, a register, or one of them and an offset. */
  private static long address(String text, HartState state) throws CommandFailed {
    Matcher parts = SUM.matcher(text.replace(" ", "").toLowerCase(Locale.ROOT));
    if (parts.matches()) {
      try {
        long sum = value(parts.group(1), state);
        String offset = parts.group(2);
        if (offset != null) {
          long by = number(offset.substring(1));
          sum += offset.startsWith("-") ? -by : by;
        }
        return sum;
      } catch (NumberFormatException e) {
        // Told below, with what would be right.
      }
    }
    throw new CommandFailed(
        "'"
            + text
            + "' is no address; write 0x and digits, a register such as pc, sp or stvec, or a"
            + " register+0x10");
  }

  private static long value(String word, HartState state) {
    if (word.equals("pc")) {
      return state.pc();
    }
    for (int i = 0; i < 32; i++) {
      if (word.equals(Disassembler.register(i)) || word.equals("x" + i)) {
        return state.x()[i];
      }
    }
    Map<String, Long> csrs = state.csrs();
    Long csr = csrs.get(word);
    return csr != null ? csr : number(word);
  }

  private static long number(String digits) {
    return digits.startsWith("0x")
        ? Long.parseUnsignedLong(digits.substring(2), 16)
        : Long.parseUnsignedLong(digits);
  }

  private @Nullable Object trace(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    VirtualMachine machine = machines.machine(arguments.text(NAME));
    int hart = arguments.count(HART, 0);
    int count = arguments.count(COUNT, 20);
    if (count < 1 || count > MOST_STEPS) {
      throw new CommandFailed("COUNT " + count + " is not from 1 to " + MOST_STEPS);
    }
    Duration limit = arguments.time("--timeout").orElse(TRACE_LIMIT);
    boolean ran = machine.report().state().equals("running");
    if (ran) {
      machine.pause();
    }
    int done = 0;
    try {
      long end = System.nanoTime() + limit.toNanos();
      while (done < count) {
        call.cancellation().check();
        long left = Math.clamp((end - System.nanoTime()) / 1_000_000, 0, 250);
        if (left == 0) {
          throw new CommandFailed(
              "only " + done + " instructions were executed in that time; does the hart wait?");
        }
        List<Step> steps = machine.step(hart, Math.min(STEPS_AT_ONCE, count - done), true, left);
        StringBuilder lines = new StringBuilder();
        for (Step step : steps) {
          show(lines, step);
        }
        call.out().print(lines);
        done += steps.size();
        if (call.out().checkError()) {
          throw new CommandFailed("nobody reads its output any more");
        }
        String state = machine.report().state();
        if (!state.equals("paused")) {
          throw new CommandFailed("the machine is " + state);
        }
      }
    } finally {
      if (ran) {
        goOn(machine);
      }
    }
    return null;
  }

  private static void show(StringBuilder lines, Step step) {
    if (step.word() != 0) {
      StringBuilder line = new StringBuilder("0x").append(Long.toHexString(step.pc()));
      line.append("  ").append(RegisterText.privilege(step.privilege())).append("  ");
      line.append(Disassembler.show(step.pc(), step.word()));
      long[] changed = step.changed();
      for (int i = 0; i + 1 < changed.length; i += 2) {
        if (i == 0) {
          line.append(" ".repeat(Math.max(2, 56 - line.length())));
        }
        int number = (int) changed[i];
        line.append(i == 0 ? "" : ", ");
        line.append(
            number < 32 ? Disassembler.register(number) : Disassembler.floatRegister(number - 32));
        line.append("=0x").append(Long.toHexString(changed[i + 1]));
      }
      lines.append(line).append('\n');
    }
    if (step.trap() != Step.NO_TRAP) {
      lines.append("  -- ").append(Causes.name(step.trap())).append('\n');
    }
  }
}
