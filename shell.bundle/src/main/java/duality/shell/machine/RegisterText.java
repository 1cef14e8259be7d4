package duality.shell.machine;

import duality.kernel.processor.HartState;
import duality.shell.disassembly.Disassembler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A hart's registers as text, as many beside each other as there is room for. */
final class RegisterText {
  private static final int MOST_COLUMNS = 4;
  private static final int NAME = 8;
  private static final int CELL = NAME + 20;

  private static final long SSTATUS = 0x8000_0003_000d_e762L;
  private static final long SUPERVISOR_INTERRUPTS = 0x222;

  private RegisterText() {}

  /** Name of a privilege. */
  static String privilege(int privilege) {
    return privilege == 0 ? "U" : privilege == 1 ? "S" : "M";
  }

  /**
   * All of them.
   *
   * @param floats whether f0 to f31 are wanted
   * @param width of the screen
   */
  static String of(int hart, HartState state, boolean floats, int width) {
    List<String> cells = new ArrayList<>();
    for (int i = 1; i < 32; i++) {
      cells.add(cell(Disassembler.register(i), state.x()[i]));
    }
    StringBuilder text = new StringBuilder();
    text.append("hart ").append(hart).append(" in ").append(privilege(state.privilege()));
    text.append("-mode").append(state.waiting() ? ", behind a wfi" : "");
    text.append(", pc 0x").append(hex(state.pc())).append('\n');
    int columns = Math.clamp((width + 2L) / CELL, 1, MOST_COLUMNS);
    rows(text, cells, columns);
    if (floats) {
      cells.clear();
      for (int i = 0; i < 32; i++) {
        cells.add(cell(Disassembler.floatRegister(i), state.f()[i]));
      }
      rows(text, cells, columns);
    }
    cells.clear();
    csrs(state).forEach((name, value) -> cells.add(cell(name, value)));
    rows(text, cells, columns);
    long cause = state.csrs().getOrDefault("scause", 0L);
    if (cause != 0) {
      text.append("its last trap to S-mode: ").append(Causes.name(cause)).append('\n');
    }
    return text.toString().stripTrailing();
  }

  /** Those that are not zero; of a guest above our own firmware as S-mode sees them. */
  static Map<String, Long> csrs(HartState state) {
    Map<String, Long> shown = new TreeMap<>(state.csrs());
    shown.keySet().removeIf(name -> name.startsWith("tdata") || name.equals("dcsr"));
    long status = shown.getOrDefault("mstatus", 0L);
    long enabled = shown.getOrDefault("mie", 0L);
    shown.put("sstatus", status & SSTATUS);
    shown.put("sie", enabled & SUPERVISOR_INTERRUPTS);
    if (!state.firmware()) {
      shown.keySet().removeIf(name -> name.startsWith("m") || name.startsWith("pmp"));
      shown.put("cycle", state.csrs().getOrDefault("mcycle", 0L));
      shown.put("instret", state.csrs().getOrDefault("minstret", 0L));
    }
    shown.values().removeIf(value -> value == 0);
    return shown;
  }

  private static void rows(StringBuilder text, List<String> cells, int columns) {
    for (int i = 0; i < cells.size(); i += columns) {
      List<String> row = cells.subList(i, Math.min(i + columns, cells.size()));
      text.append(String.join("  ", row).stripTrailing()).append('\n');
    }
  }

  private static String cell(String name, long value) {
    return name + " ".repeat(Math.max(1, NAME - name.length() + 1)) + hex(value);
  }

  private static String hex(long value) {
    String digits = Long.toHexString(value);
    return "0".repeat(16 - digits.length()) + digits;
  }
}
