package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random situations of the privileged architecture on the engine and on {@code
 * qemu-system-riscv64}: {@code random.c} makes them up, carries them out and sums up what it sees.
 * When the sums differ, the case is found, and as many of its random draws as possible are made
 * zero. {@code -Dduality.system.cases=N} runs more, of another seed each time; {@code
 * -Dduality.seed=N} repeats a run.
 */
class SystemDifferentialTest {
  private static final long MAGIC = 0x6d6f646e61722121L;
  private static final int CHUNK = 64;

  // What each build runs: always the same, because QEMU has its own opinion in rare cases.
  private static final long USUAL_SEED = 2026;
  private static final long USUAL_CASES = 25_600;

  /** Draws that can be taken out: bits of a word. */
  private static final int DRAWS = 64;

  @TempDir Path folder;

  private byte[] program = {};

  /** Which cases to run, and how: the program's parameters behind its magic number. */
  private record Cases(long seed, long first, long count, long withoutDraws, boolean verbose) {}

  @Test
  void engineAndQemuSeeTheSame() throws Exception {
    Tool.require("riscv64-linux-gnu-gcc", "qemu-system-riscv64");
    boolean asked = System.getProperty("duality.system.cases") != null;
    long seed = Long.getLong("duality.seed", asked ? System.nanoTime() : USUAL_SEED);
    long cases = Long.getLong("duality.system.cases", USUAL_CASES) / CHUNK * CHUNK;
    System.out.println("SystemDifferentialTest: -Dduality.seed=" + seed + ", " + cases + " cases");
    program = Files.readAllBytes(GuestProgram.build(folder, "random"));
    Cases all = new Cases(seed, 0, cases, 0, false);
    var theirs = new FutureTask<>(() -> onQemu(all));
    Thread.ofPlatform().start(theirs);
    List<String> actual = onEngine(all);
    List<String> expected = theirs.get();
    assertEquals(cases / CHUNK, expected.size(), "lines that QEMU printed");
    for (int chunk = 0; chunk < expected.size(); chunk++) {
      if (chunk >= actual.size() || !expected.get(chunk).equals(actual.get(chunk))) {
        explain(seed, chunk * (long) CHUNK);
      }
    }
    assertEquals(expected.size(), actual.size(), "lines that the engine printed");
  }

  private void explain(long seed, long first) throws Exception {
    for (long n = first; n < first + CHUNK; n++) {
      Cases one = new Cases(seed, n, 1, 0, true);
      if (!onQemu(one).equals(onEngine(one))) {
        Cases small = shrunk(one);
        fail(
            "seed %d, case %d without draws %x:%non QEMU%n%s%non the engine%n%s"
                .formatted(
                    seed,
                    n,
                    small.withoutDraws,
                    String.join("\n", onQemu(small)),
                    String.join("\n", onEngine(small))));
      }
    }
    fail("seed " + seed + ": cases from " + first + " on differ together, but none alone");
  }

  /** The same case with as many draws as possible made zero, one after the other. */
  private Cases shrunk(Cases one) throws Exception {
    Cases small = one;
    for (int draw = 0; draw < DRAWS; draw++) {
      Cases less = new Cases(one.seed, one.first, 1, small.withoutDraws | 1L << draw, true);
      List<String> expected = onQemu(less);
      if (!expected.equals(onEngine(less)) && !expected.isEmpty()) {
        small = less;
      }
    }
    return small;
  }

  private byte[] with(Cases cases) {
    byte[] elf = program.clone();
    ByteBuffer bytes = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at <= elf.length - 48; at++) {
      if (bytes.getLong(at) == MAGIC) {
        bytes.putLong(at + 8, cases.seed).putLong(at + 16, cases.first);
        bytes.putLong(at + 24, cases.count).putLong(at + 32, cases.withoutDraws);
        bytes.putLong(at + 40, cases.verbose ? 1 : 0);
        return elf;
      }
    }
    return fail("the program has no parameters");
  }

  private List<String> onQemu(Cases cases) throws Exception {
    Path elf = folder.resolve("cases");
    Files.write(elf, with(cases));
    return lines(new String(GuestProgram.onQemu(elf), StandardCharsets.ISO_8859_1));
  }

  private List<String> onEngine(Cases cases) {
    return lines(BareMachine.run(with(cases)));
  }

  private static List<String> lines(String text) {
    return text.lines().toList();
  }
}
