package duality.shell.disassembly;

import java.util.HashMap;
import java.util.Map;

/** Names of control and status registers (RISC-V Priv. tables 2.2 to 2.6). */
final class Registers {
  private static final Map<Integer, String> NAMES = new HashMap<>();

  static {
    name(0x001, "fflags", "frm", "fcsr");
    name(0x100, "sstatus");
    name(0x104, "sie", "stvec", "scounteren");
    name(0x10a, "senvcfg");
    name(0x140, "sscratch", "sepc", "scause", "stval", "sip");
    name(0x14d, "stimecmp");
    name(0x180, "satp");
    name(0x5a8, "scontext");
    name(0x300, "mstatus", "misa", "medeleg", "mideleg", "mie", "mtvec", "mcounteren");
    name(0x30a, "menvcfg");
    name(0x320, "mcountinhibit");
    name(0x340, "mscratch", "mepc", "mcause", "mtval", "mip");
    name(0x7a0, "tselect", "tdata1", "tdata2", "tdata3", "tinfo", "tcontrol");
    name(0x7a8, "mcontext");
    name(0x7b0, "dcsr", "dpc", "dscratch0", "dscratch1");
    name(0xb00, "mcycle");
    name(0xb02, "minstret");
    name(0xc00, "cycle", "time", "instret");
    name(0xf11, "mvendorid", "marchid", "mimpid", "mhartid", "mconfigptr");
    for (int i = 3; i < 32; i++) {
      name(0x320 + i, "mhpmevent" + i);
      name(0xb00 + i, "mhpmcounter" + i);
      name(0xc00 + i, "hpmcounter" + i);
    }
    for (int i = 0; i < 16; i++) {
      name(0x3a0 + i, "pmpcfg" + i);
    }
    for (int i = 0; i < 64; i++) {
      name(0x3b0 + i, "pmpaddr" + i);
    }
  }

  private Registers() {}

  private static void name(int first, String... names) {
    for (int i = 0; i < names.length; i++) {
      NAMES.put(first + i, names[i]);
    }
  }

  /** The name of a register, or its number. */
  static String csr(int number) {
    return NAMES.getOrDefault(number, "0x" + Integer.toHexString(number));
  }
}
