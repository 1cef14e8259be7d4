package duality.shell.disassembly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ours beside objdump's (binutils for riscv64, from Debian's packages). */
class DisassemblerTest {
  private static final Pattern LINE = Pattern.compile(" *([0-9a-f]+):\\s+([0-9a-f]{4,8})\\s+(.*)");

  /** What objdump adds for readers, and tabs. */
  private static final Pattern REMARK = Pattern.compile("\\s*(<[^>]*>|#.*)");

  /** This objdump leaves the i of an immediate out, as assemblers let people do. */
  private static final Pattern IMMEDIATE =
      Pattern.compile(
          "(add|and|or|xor|sll|srl|sra|slt|ror|bclr|bext|binv|bset|csrr?[wsc])([wu]?)"
              + " .*,(-?[0-9]+|0x[0-9a-f]+)");

  @TempDir Path folder;

  @Test
  void showsWhatAssemblersTake() {
    assertEquals("addi sp,sp,-16", Disassembler.show(0, 0x1141));
    assertEquals("ret", Disassembler.show(0, 0x8082));
    assertEquals("csrr a0,sstatus", Disassembler.show(0, 0x10002573));
    assertEquals("beqz a0,0x80000010", Disassembler.show(0x8000_0000L, 0x00050863));
    assertEquals("amoadd.d.aq a0,a1,(a2)", Disassembler.show(0, 0x04b6352f));
    assertEquals("unimp", Disassembler.show(0, 0));
    assertEquals(".4byte 0xffffffff", Disassembler.show(0, -1));
  }

  @Test
  void agreesWithObjdumpOnRandomInstructions() throws Exception {
    long seed = Long.getLong("seed", 5);
    Random random = new Random(seed);
    StringBuilder source = new StringBuilder(".option norelax\n");
    List<Instructions.Form> forms = Instructions.all();
    for (Instructions.Form form : forms) {
      for (int i = 0; i < 150; i++) {
        int free = random.nextInt() & ~form.mask();
        source.append(".insn 4, 0x").append(Integer.toHexString(form.bits() | free)).append('\n');
      }
    }
    for (int half = 0; half < 1 << 16; half++) {
      if ((half & 3) != 3) {
        source.append(".insn 2, 0x").append(Integer.toHexString(half)).append('\n');
      }
    }
    Path assembly = folder.resolve("random.s");
    Path object = folder.resolve("random.o");
    Files.writeString(assembly, source);
    run(
        "riscv64-linux-gnu-as",
        "-march=rv64gc_zba_zbb_zbs_zicbom_zicboz",
        assembly.toString(),
        "-o",
        object.toString());
    int compared = compare(object, "seed " + seed);
    assertTrue(compared > 60_000, compared + " instructions compared");
  }

  @Test
  void agreesWithObjdumpOnALibrary() throws Exception {
    Path library = Path.of("/usr/riscv64-linux-gnu/lib/libm.so.6");
    assumeTrue(Files.exists(library) || required(), "libc6-dev-riscv64-cross is not installed");
    int compared = compare(library, "libm");
    assertTrue(compared > 50_000, compared + " instructions compared");
  }

  private static boolean required() {
    return "true".equals(System.getenv("CI"));
  }

  private int compare(Path object, String what) throws Exception {
    int compared = 0;
    List<String> different = new ArrayList<>();
    Map<String, Integer> kinds = new TreeMap<>();
    for (String line : run("riscv64-linux-gnu-objdump", "-d", object.toString())) {
      Matcher parts = LINE.matcher(line);
      if (!parts.matches()) {
        continue;
      }
      String theirs = REMARK.matcher(parts.group(3)).replaceAll("").replace('\t', ' ').strip();
      // A hint, or what another extension makes of the same bits.
      if (theirs.matches("c\\..*|addi? (\\w+),\\1,0")
          || theirs.startsWith("0x")
          || theirs.startsWith(".")) {
        continue;
      }
      Matcher shorter = IMMEDIATE.matcher(theirs);
      if (shorter.matches()) {
        boolean word = shorter.group(2).equals("w");
        boolean unsigned = shorter.group(2).equals("u");
        theirs =
            shorter.group(1)
                + (word ? "iw" : unsigned ? "iu" : "i")
                + theirs.substring(shorter.end(2));
      }
      String ours =
          Disassembler.show(
              Long.parseUnsignedLong(parts.group(1), 16),
              Integer.parseUnsignedInt(parts.group(2), 16));
      if (ours.matches("(j|jal|b[a-z]+) (.*,)?0x[0-9a-f]+")
          && !ours.matches("b(ext|set|clr|inv).*")) {
        ours = ours.replaceFirst("0x([0-9a-f]+)$", "$1");
      }
      // It has names for registers of hypervisors, too.
      if (ours.matches("csr.* 0x[0-9a-f]{1,3}(,.*)?|csrr.*,0x[0-9a-f]{1,3}(,.*)?")) {
        continue;
      }
      compared++;
      if (!ours.equals(theirs)) {
        kinds.merge(theirs.replaceFirst(" .*", ""), 1, Integer::sum);
        different.add(parts.group(2) + ": ours " + ours + ", objdump's " + theirs);
      }
    }
    assertEquals(
        List.of(),
        different.stream().limit(30).toList(),
        what + ": " + different.size() + " of " + compared + " differ: " + kinds);
    return compared;
  }

  private List<String> run(String... command) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
    } catch (IOException missing) {
      assumeTrue(required(), "binutils-riscv64-linux-gnu is not installed");
      throw missing;
    }
    int status = process.waitFor();
    List<String> lines = Files.readAllLines(output);
    assertEquals(0, status, () -> String.join("\n", lines.subList(0, Math.min(10, lines.size()))));
    return lines;
  }
}
