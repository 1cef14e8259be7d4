package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What Popek and Goldberg ask of a processor that is to run a kernel in user mode (CACM 17(7),
 * 1974, theorem 1): every instruction that is sensitive leaves, all others run and do the same.
 *
 * <p>Which ones are sensitive is not read from a list but found out: an instruction is executed by
 * a full hart, in S or U mode, with two different sets of privileged registers. When it changes
 * anything privileged, leaves, or does something else in the one than in the other, it is
 * sensitive. What changes nothing that can be seen is named: {@code sfence.vma}, and a privileged
 * register that is read and thrown away.
 */
class SensitiveInstructionsTest {
  private static final long RAM = 0x8000_0000L;
  private static final int BYTES = 1 << 20;

  /** Where the instruction is, and what registers point to. */
  private static final long CODE = RAM + 0x1000;

  private static final long POINTED = RAM + 0x8_0000;
  private static final long FS = 3L << 13;
  private static final long SEED = 20260401;

  private Arena arena;
  private FlatMemory memory;
  private Hart full;
  private Hart user;
  private byte[] around = {};
  private long[] x = {};
  private long[] f = {};
  private final List<String> wrong = new ArrayList<>();
  private int sensitive;
  private int innocuous;

  @BeforeEach
  void make() {
    arena = Arena.ofConfined();
    memory = new FlatMemory(arena, RAM, BYTES);
    Interpreter engine = new Interpreter();
    full = engine.hart(HartMode.FULL, memory, new Lines(), () -> 5_000_000);
    user = engine.hart(HartMode.USER, memory, new Lines(), () -> 5_000_000);
    Random random = new Random(SEED);
    around = new byte[8192];
    random.nextBytes(around);
    x = new long[32];
    f = new long[32];
    for (int i = 1; i < 32; i++) {
      x[i] = POINTED + 16L * random.nextInt(64);
      f[i] = Double.doubleToLongBits(random.nextInt(1000) / 8.0);
    }
  }

  @AfterEach
  void free() {
    arena.close();
  }

  /** What one step did. */
  private record Step(int exit, int cause, HartState state, byte[] memory) {}

  private Step step(Hart hart, HartState before, int word) {
    memory.write(POINTED - 4096, around);
    memory.writeInt(CODE, word);
    hart.restore(before);
    int exit = hart.run(1);
    return new Step(exit, hart.exitCause(), hart.save(), memory.read(POINTED - 4096, 8192));
  }

  private HartState fullState(int privilege, long fs, long counters, boolean other) {
    Map<String, Long> csrs = new HashMap<>();
    csrs.put("scounteren", counters);
    csrs.put("mstatus", fs | (other ? 1L << 18 | 1L << 8 : 1L << 19 | 1L << 5));
    csrs.put("mie", other ? 0x222L : 0x20L);
    csrs.put("mip", other && privilege == Context.S ? 2L : 0L); // in U it would be taken
    csrs.put("stvec", CODE + (other ? 0x100 : 0x200));
    csrs.put("senvcfg", other ? 1L : 0L);
    csrs.put("sscratch", other ? 11L : 22L);
    csrs.put("sepc", CODE + (other ? 0x300 : 0x400));
    csrs.put("scause", other ? 33L : 44L);
    csrs.put("stval", other ? 55L : 66L);
    csrs.put("satp", other ? 7L << 44 | 9 : 3L << 44 | 5);
    csrs.put("stimecmp", Long.MAX_VALUE - (other ? 1 : 2));
    csrs.put("medeleg", other ? 0x100L : 0L);
    csrs.put("mscratch", other ? 77L : 88L);
    return new HartState(HartMode.FULL, false, CODE, privilege, false, x, f, csrs, 0);
  }

  private HartState userState(long fs, long counters) {
    Map<String, Long> csrs = Map.of("sstatus", fs, "scounteren", counters);
    return new HartState(HartMode.USER, false, CODE, 0, false, x, f, csrs, 0);
  }

  /** Privileged registers, without what user mode has a part of. */
  private static Map<String, Long> privileged(HartState state) {
    Map<String, Long> csrs = new HashMap<>(state.csrs());
    for (String unprivileged : List.of("fcsr", "mcycle", "minstret")) {
      csrs.remove(unprivileged);
    }
    csrs.computeIfPresent("mstatus", (name, value) -> value & ~FS & Long.MAX_VALUE);
    return csrs;
  }

  private static boolean changed(HartState before, Step after) {
    Map<String, Long> was = new HashMap<>(privileged(before));
    Map<String, Long> is = privileged(after.state);
    // What was not named is zero, or as read-only fields are: compare what was.
    return after.exit != Exit.BUDGET
        || after.state.privilege() != before.privilege()
        || after.state.waiting()
        || was.entrySet().stream()
            .anyMatch(
                each -> !same(each.getKey(), each.getValue(), is.getOrDefault(each.getKey(), 0L)));
  }

  private static boolean same(String name, long was, long is) {
    return name.equals("mstatus") ? (was & 0xffff_ffffL) == (is & 0xffff_ffffL) : was == is;
  }

  private static boolean sameEffect(Step a, Step b) {
    return a.state.pc() == b.state.pc()
        && Arrays.equals(a.state.x(), b.state.x())
        && Arrays.equals(a.state.f(), b.state.f())
        && a.state.csrs().get("fcsr").equals(b.state.csrs().get("fcsr"))
        && Arrays.equals(a.memory, b.memory);
  }

  private void check(int word, int privilege, long fs, long counters) {
    HartState one = fullState(privilege, fs, counters, false);
    HartState other = fullState(privilege, fs, counters, true);
    Step first = step(full, one, word);
    boolean touches = changed(one, first);
    if (!touches) {
      Step second = step(full, other, word);
      touches = changed(other, second) || !sameEffect(first, second);
    }
    boolean readable = privilege == Context.U;
    Step alone = step(user, userState(fs, readable ? counters : 7), word);
    boolean left = alone.exit == Exit.EXCEPTION || alone.exit == Exit.CALL;
    if (touches || named(word)) {
      sensitive++;
      if (!left) {
        wrong.add("runs, but is sensitive: " + name(word, privilege, fs, counters));
      } else if (alone.state.pc() != CODE || !Arrays.equals(alone.state.x(), x)) {
        wrong.add("leaves after it did something: " + name(word, privilege, fs, counters));
      }
    } else {
      innocuous++;
      if (left) {
        wrong.add("leaves, but is innocuous: " + name(word, privilege, fs, counters));
      } else if (!sameEffect(first, alone)) {
        wrong.add("does something else: " + name(word, privilege, fs, counters));
      }
    }
  }

  /** A fence of translations, and a register of S-mode that is read for nothing. */
  private static boolean named(int word) {
    boolean fence = word >>> 25 == 9 && (word & 0x7fff) == 0x73;
    boolean csr = (word & 0x7f) == 0x73 && (word >>> 12 & 3) != 0;
    return fence || csr && (word >>> 28 & 3) != 0;
  }

  private static String name(int word, int privilege, long fs, long counters) {
    return "%08x as %d, FS %d, counters %d".formatted(word, privilege, fs >>> 13, counters);
  }

  /** Every short instruction; every opcode with all of funct3 and funct7; every CSR in each way. */
  private static void sweep(IntConsumer each) {
    for (int h = 0; h < 1 << 16; h++) {
      if ((h & 3) != 3) {
        each.accept(h);
      }
    }
    Random random = new Random(SEED);
    for (int opcode = 3; opcode < 128; opcode += 4) {
      for (int rest = 0; rest < 1 << 10; rest++) {
        int fixed = opcode | (rest & 7) << 12 | (rest >>> 3) << 25;
        each.accept(fixed | random.nextInt() & 0x01ff8f80);
        each.accept(fixed); // x0 everywhere
      }
    }
    for (int csr = 0; csr < 1 << 12; csr++) {
      for (int funct3 = 0; funct3 < 8; funct3++) {
        each.accept(0x73 | funct3 << 12 | csr << 20);
        each.accept(0x73 | funct3 << 12 | csr << 20 | 5 << 7);
        each.accept(0x73 | funct3 << 12 | csr << 20 | 5 << 7 | 6 << 15);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 3, 7", "1, 0, 7", "0, 3, 7", "0, 3, 0", "0, 0, 2"})
  void everySensitiveInstructionLeavesAndAllOthersDoTheSame(int privilege, long fs, long counters) {
    sweep(word -> check(word, privilege, fs << 13, counters));
    assertTrue(
        wrong.isEmpty(),
        () ->
            wrong.size()
                + " wrong (seed "
                + SEED
                + "), such as\n"
                + String.join("\n", wrong.subList(0, Math.min(40, wrong.size()))));
    assertTrue(sensitive > 10_000 && innocuous > 10_000, sensitive + " and " + innocuous);
  }

  @Test
  void theOnesThatAreKnownToBeSensitiveAreFound() {
    int[] known = {
      0x00000073, // ecall
      0x00100073, // ebreak
      0x10200073, // sret
      0x10500073, // wfi
      0x12000073, // sfence.vma
      0x100022f3, // csrr t0, sstatus
      0x140312f3, // csrrw t0, sscratch, t1
      0x18002573, // csrr a0, satp
    };
    for (int word : known) {
      check(word, Context.S, FS, 7);
    }
    assertEquals(List.of(), wrong);
    assertEquals(known.length, sensitive);
  }
}
