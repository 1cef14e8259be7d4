package duality.arch;

import aQute.bnd.header.OSGiHeader;
import aQute.bnd.header.Parameters;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.MethodTypeEntry;
import java.lang.classfile.constantpool.NameAndTypeEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;

/**
 * What the rules need to know of one built bundle.
 *
 * @param name the symbolic name
 * @param exports version of each exported package, empty when it has none
 * @param imports version range of each imported package, empty when it has none
 * @param dynamic whether it may be wired to packages or bundles that its imports do not name
 * @param packages packages whose classes are inside
 * @param uses packages of the classes that its classes need
 * @param provides for each component of Declarative Services the interfaces it is registered under
 * @param unmarked packages inside without {@code @NullMarked}
 */
record Bundle(
    String name,
    Map<String, String> exports,
    Map<String, String> imports,
    boolean dynamic,
    Set<String> packages,
    Set<String> uses,
    List<Set<String>> provides,
    Set<String> unmarked) {

  private static final Pattern CLASS_IN_DESCRIPTOR = Pattern.compile("L([^;]+)/[^/;]+;");
  private static final Pattern PROVIDE = Pattern.compile("<provide interface=\"([^\"]+)\"");

  /** Reads our bundles (not those of others) out of the exported system. */
  static List<Bundle> ofExportedSystem(Path jar) throws IOException {
    var bundles = new ArrayList<Bundle>();
    try (var outer = new JarFile(jar.toFile())) {
      for (var entry :
          outer.stream().filter(e -> e.getName().matches("jar/duality\\..*\\.jar")).toList()) {
        try (var inner = new JarInputStream(outer.getInputStream(entry))) {
          bundles.add(read(inner));
        }
      }
    }
    return bundles;
  }

  private static Bundle read(JarInputStream jar) throws IOException {
    Attributes main = jar.getManifest().getMainAttributes();
    var packages = new TreeSet<String>();
    var marked = new TreeSet<String>();
    var uses = new TreeSet<String>();
    var provides = new ArrayList<Set<String>>();
    for (ZipEntry entry = jar.getNextEntry(); entry != null; entry = jar.getNextEntry()) {
      if (entry.getName().endsWith(".class")) {
        ClassModel type = ClassFile.of().parse(jar.readAllBytes());
        String inside = packageOf(type.thisClass());
        packages.add(inside);
        if (entry.getName().endsWith("package-info.class")
            && text(type).contains("Lorg/jspecify/annotations/NullMarked;")) {
          marked.add(inside);
        }
        collectUses(type, uses);
      } else if (entry.getName().matches("OSGI-INF/.*\\.xml")) {
        provides.add(interfaces(jar));
      }
    }
    var unmarked = new TreeSet<>(packages);
    unmarked.removeAll(marked);
    uses.remove("");
    return new Bundle(
        main.getValue("Bundle-SymbolicName"),
        versions(main.getValue("Export-Package")),
        versions(main.getValue("Import-Package")),
        main.getValue("DynamicImport-Package") != null || main.getValue("Require-Bundle") != null,
        packages,
        uses,
        provides,
        unmarked);
  }

  /**
   * Packages that a class needs at run time: of the owners of the members it names, of the types in
   * descriptors, of its super types. Class entries alone do not count: javac leaves one behind for
   * each constant that it has inlined.
   */
  private static void collectUses(ClassModel type, Set<String> uses) {
    type.superclass().ifPresent(parent -> uses.add(packageOf(parent)));
    type.interfaces().forEach(parent -> uses.add(packageOf(parent)));
    type.fields().forEach(field -> fromDescriptor(field.fieldType(), uses));
    type.methods().forEach(method -> fromDescriptor(method.methodType(), uses));
    for (PoolEntry constant : type.constantPool()) {
      switch (constant) {
        case MemberRefEntry member -> uses.add(packageOf(member.owner()));
        case NameAndTypeEntry member -> fromDescriptor(member.type(), uses);
        case MethodTypeEntry method -> fromDescriptor(method.descriptor(), uses);
        default -> {}
      }
    }
  }

  private static void fromDescriptor(Utf8Entry descriptor, Set<String> uses) {
    var match = CLASS_IN_DESCRIPTOR.matcher(descriptor.stringValue());
    while (match.find()) {
      uses.add(match.group(1).replace('/', '.'));
    }
  }

  private static Set<String> interfaces(InputStream component) throws IOException {
    var names = new TreeSet<String>();
    var match = PROVIDE.matcher(new String(component.readAllBytes(), StandardCharsets.UTF_8));
    while (match.find()) {
      names.add(match.group(1));
    }
    return names;
  }

  private static Map<String, String> versions(String header) {
    var versions = new TreeMap<String, String>();
    Parameters parameters = OSGiHeader.parseHeader(header);
    parameters.forEach(
        (name, attributes) -> versions.put(name, attributes.getOrDefault("version", "")));
    return versions;
  }

  private static Set<String> text(ClassModel type) {
    var text = new TreeSet<String>();
    for (PoolEntry constant : type.constantPool()) {
      if (constant instanceof Utf8Entry utf8) {
        text.add(utf8.stringValue());
      }
    }
    return text;
  }

  /**
   * The package of a class, of the element type for an array, and empty for an array of primitives.
   */
  private static String packageOf(ClassEntry type) {
    String name = type.asInternalName().replaceFirst("^\\[+L?", "");
    int end = name.lastIndexOf('/');
    return end < 0 ? "" : name.substring(0, end).replace('/', '.');
  }
}
