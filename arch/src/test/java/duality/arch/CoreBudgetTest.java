package duality.arch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.attribute.SourceFileAttribute;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The core keeps to the budget that ARCHITECTURE.md gives it. */
class CoreBudgetTest {
  private static final Pattern BUDGET = Pattern.compile("core has at most ([0-9,]+) lines of code");

  @Test
  void theCoreKeepsToItsBudget() throws IOException {
    String text = Files.readString(Workspace.ROOT.resolve("ARCHITECTURE.md"));
    Matcher budget = BUDGET.matcher(text.replaceAll("\\s+", " "));
    assertTrue(budget.find(), "ARCHITECTURE.md does not say how many lines the core may have");
    int most = Integer.parseInt(budget.group(1).replace(",", ""));
    Path jar = Workspace.ROOT.resolve("kernel.bundle/target/duality.kernel.jar");
    assertTrue(Files.isRegularFile(jar), jar + " is not built");
    int lines;
    try (InputStream in = Files.newInputStream(jar)) {
      lines = lines(in);
    }
    assertTrue(lines > most / 2, "only " + lines + " lines: are there line tables?");
    assertTrue(
        lines <= most,
        "the core has "
            + lines
            + " lines of code, its budget in ARCHITECTURE.md is "
            + most
            + ": take something out of it, into a server");
  }

  /** Lines of source that compile to code, each once, as {@code kernel:tcb} counts. */
  static int lines(InputStream from) throws IOException {
    Map<String, BitSet> linesByFile = new HashMap<>();
    try (JarInputStream jar = new JarInputStream(from)) {
      for (JarEntry entry; (entry = jar.getNextJarEntry()) != null; ) {
        if (entry.getName().endsWith(".class")) {
          count(ClassFile.of().parse(jar.readAllBytes()), linesByFile);
        }
      }
    }
    return linesByFile.values().stream().mapToInt(BitSet::cardinality).sum();
  }

  private static void count(ClassModel type, Map<String, BitSet> linesByFile) {
    String name = type.thisClass().asInternalName();
    String source =
        type.findAttribute(Attributes.sourceFile())
            .map(SourceFileAttribute::sourceFile)
            .map(Object::toString)
            .orElse(name);
    BitSet lines =
        linesByFile.computeIfAbsent(
            name.substring(0, name.lastIndexOf('/') + 1) + source, any -> new BitSet());
    type.methods().stream()
        .flatMap(method -> method.findAttribute(Attributes.code()).stream())
        .flatMap(code -> code.findAttributes(Attributes.lineNumberTable()).stream())
        .flatMap(table -> table.lineNumbers().stream())
        .forEach(line -> lines.set(line.lineNumber()));
  }
}
