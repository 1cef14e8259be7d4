package duality.shell.trust;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.attribute.LineNumberInfo;
import java.lang.classfile.attribute.LineNumberTableAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.net.URI;
import java.net.URL;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;

/**
 * How much code there is: lines of source that compile to code, by the line tables of the class
 * files, and bytes of the class files. The same measure for everybody, with the source at hand or
 * not; blank lines, comments, declarations and brackets do not count.
 *
 * <p><em>Concurrency:</em> one thread.
 */
final class CodeSize {
  private final Map<String, BitSet> linesByFile = new HashMap<>();
  private final Set<String> packages = new TreeSet<>();
  private long bytes;
  private int classes;

  /** Of a bundle, with the jars inside that are on its class path. */
  static CodeSize of(Bundle bundle) {
    CodeSize size = new CodeSize();
    try {
      for (URL each : Collections.list(entries(bundle, "*.class"))) {
        try (InputStream in = each.openStream()) {
          size.add(in.readAllBytes());
        }
      }
      String path = bundle.getHeaders("").get("Bundle-ClassPath");
      for (String part : path == null ? List.<String>of() : List.of(path.split(",", -1))) {
        URL inner = part.strip().endsWith(".jar") ? bundle.getEntry(part.strip()) : null;
        if (inner != null) {
          try (InputStream in = inner.openStream()) {
            size.addJar(in);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return size;
  }

  private static java.util.Enumeration<URL> entries(Bundle bundle, String pattern) {
    var found = bundle.findEntries("/", pattern, true);
    return found == null ? Collections.emptyEnumeration() : found;
  }

  /** Of a jar, those in packages that begin so. */
  static CodeSize ofJar(URL jar) {
    CodeSize size = new CodeSize();
    try (InputStream in = jar.openStream()) {
      size.addJar(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return size;
  }

  /** Of a module of the JDK. */
  static CodeSize ofModule(String name) {
    CodeSize size = new CodeSize();
    Path home = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("modules", name);
    try (Stream<Path> files = Files.walk(home)) {
      for (Path each : (Iterable<Path>) files::iterator) {
        if (each.toString().endsWith(".class")) {
          size.add(Files.readAllBytes(each));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return size;
  }

  private void addJar(InputStream from) throws IOException {
    try (JarInputStream jar = new JarInputStream(from)) {
      for (JarEntry entry; (entry = jar.getNextJarEntry()) != null; ) {
        if (entry.getName().endsWith(".class") && !entry.getName().startsWith("META-INF/")) {
          add(jar.readAllBytes());
        }
      }
    }
  }

  /** Adds a class file. */
  void add(byte[] classFile) {
    ClassModel type = ClassFile.of().parse(classFile);
    bytes += classFile.length;
    classes++;
    String name = type.thisClass().asInternalName();
    String file =
        name.substring(0, name.lastIndexOf('/') + 1)
            + type.findAttribute(Attributes.sourceFile())
                .map(source -> source.sourceFile().stringValue())
                .orElse(name);
    BitSet lines = linesByFile.computeIfAbsent(file, any -> new BitSet());
    for (MethodModel method : type.methods()) {
      CodeAttribute code = method.findAttribute(Attributes.code()).orElse(null);
      if (code != null) {
        for (LineNumberTableAttribute table : code.findAttributes(Attributes.lineNumberTable())) {
          for (LineNumberInfo line : table.lineNumbers()) {
            lines.set(line.lineNumber());
          }
        }
      }
    }
    for (var constant : type.constantPool()) {
      if (constant instanceof ClassEntry used) {
        String internal = used.asInternalName();
        int slash = internal.lastIndexOf('/');
        if (slash > 0 && !internal.startsWith("[")) {
          packages.add(internal.substring(0, slash).replace('/', '.'));
        }
      }
    }
  }

  /** Lines that compile to code; 0 when the classes do not tell. */
  long lines() {
    return linesByFile.values().stream().mapToLong(BitSet::cardinality).sum();
  }

  long bytes() {
    return bytes;
  }

  int classes() {
    return classes;
  }

  /** Packages of the classes that it names. */
  Set<String> packages() {
    return packages;
  }
}
