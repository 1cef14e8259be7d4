package duality.vmm.gdb;

import duality.kernel.processor.HartState;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A hart's registers by the numbers and names that GDB knows (GDB manual appendix G.5.12): x0 to
 * x31, pc, f0 to f31, control and status registers at 65 and their number, privilege.
 */
final class Registers {
  static final int PC = 32;
  private static final int FIRST_FLOAT = 33;
  private static final int FIRST_CSR = 65;
  private static final int PRIVILEGE = FIRST_CSR + 4096;

  private static final String[] X = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6"
  };

  private static final String[] F = {
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"
  };

  private static final long SSTATUS = 0x8000_0003_000d_e762L;
  private static final long SUPERVISOR = 0x222;
  private static final int FFLAGS = 1;
  private static final int FRM = 2;
  private static final int FCSR = 3;

  /** What S-mode and below have, and what only M-mode has. */
  private static final Map<Integer, String> SUPERVISORS = new LinkedHashMap<>();

  private static final Map<Integer, String> MACHINES = new LinkedHashMap<>();

  /** Registers of ours under another name, for reading. */
  private static final Map<String, String> SAME = Map.of("cycle", "mcycle", "instret", "minstret");

  /** Which hart it is nobody changes. */
  private static final String HART_ID = "mhartid";

  static {
    SUPERVISORS.put(0x100, "sstatus");
    SUPERVISORS.put(0x104, "sie");
    SUPERVISORS.put(0x105, "stvec");
    SUPERVISORS.put(0x106, "scounteren");
    SUPERVISORS.put(0x10a, "senvcfg");
    SUPERVISORS.put(0x140, "sscratch");
    SUPERVISORS.put(0x141, "sepc");
    SUPERVISORS.put(0x142, "scause");
    SUPERVISORS.put(0x143, "stval");
    SUPERVISORS.put(0x144, "sip");
    SUPERVISORS.put(0x14d, "stimecmp");
    SUPERVISORS.put(0x180, "satp");
    SUPERVISORS.put(0xc00, "cycle");
    SUPERVISORS.put(0xc02, "instret");
    MACHINES.put(0x300, "mstatus");
    MACHINES.put(0x302, "medeleg");
    MACHINES.put(0x303, "mideleg");
    MACHINES.put(0x304, "mie");
    MACHINES.put(0x305, "mtvec");
    MACHINES.put(0x306, "mcounteren");
    MACHINES.put(0x30a, "menvcfg");
    MACHINES.put(0x340, "mscratch");
    MACHINES.put(0x341, "mepc");
    MACHINES.put(0x342, "mcause");
    MACHINES.put(0x343, "mtval");
    MACHINES.put(0x344, "mip");
    MACHINES.put(0x3a0, "pmpcfg0");
    MACHINES.put(0x3a2, "pmpcfg2");
    for (int i = 0; i < 16; i++) {
      MACHINES.put(0x3b0 + i, "pmpaddr" + i);
    }
    MACHINES.put(0xb00, "mcycle");
    MACHINES.put(0xb02, "minstret");
    MACHINES.put(0xf14, HART_ID);
  }

  private Registers() {}

  /** The target description; of a guest above our own firmware without M-mode's registers. */
  static String description(boolean firmware) {
    StringBuilder xml = new StringBuilder();
    xml.append("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n");
    xml.append("<target version=\"1.0\">\n<architecture>riscv:rv64</architecture>\n");
    // Programs of Linux gdb steps by breakpoints, which interrupts get between; a kernel is none.
    xml.append("<osabi>none</osabi>\n");
    feature(xml, "cpu");
    for (int i = 0; i < 32; i++) {
      String type = i == 2 || i == 8 ? "data_ptr" : i == 1 ? "code_ptr" : "int";
      register(xml, X[i], 64, type, i);
    }
    register(xml, "pc", 64, "code_ptr", PC);
    xml.append("</feature>\n");
    feature(xml, "fpu");
    for (int i = 0; i < 32; i++) {
      register(xml, F[i], 64, "ieee_double", FIRST_FLOAT + i);
    }
    register(xml, "fflags", 32, "int", FIRST_CSR + FFLAGS);
    register(xml, "frm", 32, "int", FIRST_CSR + FRM);
    register(xml, "fcsr", 32, "int", FIRST_CSR + FCSR);
    xml.append("</feature>\n");
    feature(xml, "csr");
    SUPERVISORS.forEach((number, name) -> register(xml, name, 64, "int", FIRST_CSR + number));
    if (firmware) {
      MACHINES.forEach((number, name) -> register(xml, name, 64, "int", FIRST_CSR + number));
    }
    xml.append("</feature>\n");
    feature(xml, "virtual");
    register(xml, "priv", 64, "int", PRIVILEGE);
    return xml.append("</feature>\n</target>\n").toString();
  }

  private static void feature(StringBuilder xml, String name) {
    xml.append("<feature name=\"org.gnu.gdb.riscv.").append(name).append("\">\n");
  }

  private static void register(StringBuilder xml, String name, int bits, String type, int number) {
    xml.append("<reg name=\"").append(name).append("\" bitsize=\"").append(bits);
    xml.append("\" type=\"").append(type).append("\" regnum=\"").append(number);
    xml.append(number <= PC ? "\"/>\n" : "\" group=\"" + group(number) + "\"/>\n");
  }

  private static String group(int number) {
    return number <= FIRST_CSR + FCSR ? "float" : "system";
  }

  /** Bytes of a register: 4 or 8; 0 when there is none of that number. */
  static int bytes(int number) {
    if (number >= 0 && number < FIRST_CSR || number == PRIVILEGE) {
      return 8;
    }
    int csr = number - FIRST_CSR;
    if (csr >= FFLAGS && csr <= FCSR) {
      return 4;
    }
    return SUPERVISORS.containsKey(csr) || MACHINES.containsKey(csr) ? 8 : 0;
  }

  /** The value of a register that is one. */
  static long get(HartState hart, int number) {
    if (number < PC) {
      return number == 0 ? 0 : hart.x()[number];
    }
    if (number == PC) {
      return hart.pc();
    }
    if (number < FIRST_CSR) {
      return hart.f()[number - FIRST_FLOAT];
    }
    if (number == PRIVILEGE) {
      return hart.privilege();
    }
    int csr = number - FIRST_CSR;
    return switch (csr) {
      case FFLAGS -> of(hart, "fcsr") & 31;
      case FRM -> of(hart, "fcsr") >>> 5 & 7;
      case FCSR -> of(hart, "fcsr");
      case 0x100 -> of(hart, "mstatus") & SSTATUS;
      case 0x104 -> of(hart, "mie") & SUPERVISOR;
      case 0x144 -> of(hart, "mip") & SUPERVISOR;
      default -> {
        String name = name(csr);
        yield of(hart, SAME.getOrDefault(name, name));
      }
    };
  }

  private static String name(int csr) {
    return SUPERVISORS.getOrDefault(csr, MACHINES.getOrDefault(csr, ""));
  }

  private static long of(HartState hart, String csr) {
    return hart.csrs().getOrDefault(csr, 0L);
  }

  /** The same hart with another value of a register that is one. */
  static HartState set(HartState hart, int number, long value) {
    long[] x = hart.x().clone();
    long[] f = hart.f().clone();
    Map<String, Long> csrs = new HashMap<>(hart.csrs());
    long pc = hart.pc();
    int privilege = hart.privilege();
    if (number < PC) {
      x[number] = number == 0 ? 0 : value;
    } else if (number == PC) {
      pc = value;
    } else if (number < FIRST_CSR) {
      f[number - FIRST_FLOAT] = value;
    } else if (number == PRIVILEGE) {
      privilege = (int) value & 3;
    } else {
      int csr = number - FIRST_CSR;
      long fcsr = of(hart, "fcsr");
      switch (csr) {
        case FFLAGS -> csrs.put("fcsr", fcsr & ~31L | value & 31);
        case FRM -> csrs.put("fcsr", fcsr & ~0xe0L | (value & 7) << 5);
        case FCSR -> csrs.put("fcsr", value & 0xff);
        case 0x100 -> merge(csrs, "mstatus", value, SSTATUS);
        case 0x104 -> merge(csrs, "mie", value, SUPERVISOR);
        case 0x144 -> merge(csrs, "mip", value, SUPERVISOR);
        default -> {
          if (!SAME.containsKey(name(csr)) && !name(csr).equals(HART_ID)) {
            csrs.put(name(csr), value);
          }
        }
      }
    }
    return new HartState(
        hart.mode(),
        hart.firmware(),
        pc,
        privilege,
        hart.waiting(),
        x,
        f,
        csrs,
        hart.timeOffsetNanos());
  }

  private static void merge(Map<String, Long> csrs, String name, long value, long mask) {
    csrs.merge(name, value & mask, (old, bits) -> old & ~mask | bits);
  }
}
