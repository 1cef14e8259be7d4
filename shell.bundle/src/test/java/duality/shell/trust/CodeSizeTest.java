package duality.shell.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.SourceFileAttribute;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import org.junit.jupiter.api.Test;

class CodeSizeTest {
  /** A class of one method, whose instructions come from these lines. */
  private static byte[] type(String name, String source, int... lines) {
    return ClassFile.of()
        .build(
            ClassDesc.of(name),
            builder -> {
              builder.with(SourceFileAttribute.of(source));
              builder.withMethodBody(
                  "run",
                  ConstantDescs.MTD_void,
                  ClassFile.ACC_STATIC,
                  code -> {
                    for (int line : lines) {
                      code.lineNumber(line).nop();
                    }
                    code.return_();
                  });
            });
  }

  @Test
  void aLineCountsOnceForAllClassesOfItsFile() {
    CodeSize size = new CodeSize();
    byte[] outer = type("p.A", "A.java", 3, 5, 3, 9);
    byte[] inner = type("p.A$B", "A.java", 9, 10);
    size.add(outer);
    size.add(inner);
    assertEquals(4, size.lines(), "3, 5, 9 and 10 of A.java");
    assertEquals(outer.length + inner.length, size.bytes());
    size.add(type("q.A", "A.java", 3));
    assertEquals(5, size.lines(), "A.java of another package is another file");
    assertEquals(3, size.classes());
  }

  @Test
  void aModuleOfTheJdkHasLinesAndNamesPackages() {
    CodeSize size = CodeSize.ofModule("java.logging");
    assertTrue(size.lines() > 500, () -> size.lines() + " lines");
    assertTrue(size.packages().contains("java.util.logging"), () -> "" + size.packages());
  }
}
