package duality.weaver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the weaver makes of classes, as class files. */
class PollWeaverTest {
  private static final ClassFile FILES =
      ClassFile.of(
          ClassFile.ClassHierarchyResolverOption.of(
              ClassHierarchyResolver.ofResourceParsing(PollWeaverTest.class.getClassLoader())
                  .orElse(ClassHierarchyResolver.defaultResolver())));

  @Test
  void everyClassOfAPackageFullOfLoopsIsStillAccepted() throws IOException {
    int woven = 0;
    int polls = 0;
    List<String> wrong = new ArrayList<>();
    Path utilities =
        FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules/java.base/java/util");
    try (Stream<Path> files = Files.walk(utilities)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
        byte[] original = Files.readAllBytes(file);
        byte[] result = PollWeaver.weave(original);
        if (result != null) {
          woven++;
          polls += polls(result);
          assertEquals(lines(original), lines(result), "line numbers of " + file);
          var errors = FILES.verify(result);
          if (!errors.isEmpty() && FILES.verify(original).isEmpty()) {
            wrong.add(file + ": " + errors.getFirst());
          }
        }
      }
    }
    assertEquals(List.of(), wrong);
    assertTrue(woven > 500 && polls > 5_000, woven + " classes with " + polls + " polls");
  }

  @Test
  void whatNeitherLoopsNorCallsStaysAsItIs() throws IOException {
    assertNull(PollWeaver.weave(bytes(Deed.class)), "an interface");
    assertNotNull(PollWeaver.weave(bytes(Misbehaving.class)));
  }

  @Test
  void whatIsNoClassFileIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> PollWeaver.weave(new byte[] {1, 2, 3}));
  }

  @Test
  void noCallThatEndsTheJvmIsLeft() throws IOException {
    for (Class<?> each : Misbehaving.class.getDeclaredClasses()) {
      byte[] woven = PollWeaver.weave(bytes(each));
      assertNotNull(woven);
      assertFalse(
          calls(woven).stream()
              .anyMatch(
                  call ->
                      call.equals("java/lang/System.exit")
                          || call.endsWith(".halt") && call.startsWith("java/")),
          each.getName());
    }
  }

  static byte[] bytes(Class<?> type) throws IOException {
    String name = type.getName().substring(type.getName().lastIndexOf('.') + 1) + ".class";
    try (var in = type.getResourceAsStream(name)) {
      assertNotNull(in, name);
      return in.readAllBytes();
    }
  }

  private static List<String> calls(byte[] bytes) {
    List<String> calls = new ArrayList<>();
    eachCode(
        FILES.parse(bytes),
        code ->
            code.forEach(
                element -> {
                  if (element instanceof InvokeInstruction call) {
                    calls.add(call.owner().asInternalName() + "." + call.name().stringValue());
                  }
                }));
    return calls;
  }

  private static int polls(byte[] bytes) {
    return (int) calls(bytes).stream().filter("duality/kernel/AbortPoll.poll"::equals).count();
  }

  /** All line numbers, method by method in their order. */
  private static List<Integer> lines(byte[] bytes) {
    List<Integer> lines = new ArrayList<>();
    eachCode(
        FILES.parse(bytes),
        code ->
            code.forEach(
                element -> {
                  if (element instanceof LineNumber line) {
                    lines.add(line.line());
                  }
                }));
    return lines;
  }

  private static void eachCode(ClassModel model, java.util.function.Consumer<CodeModel> visit) {
    model.methods().forEach(method -> method.code().ifPresent(visit));
  }
}
