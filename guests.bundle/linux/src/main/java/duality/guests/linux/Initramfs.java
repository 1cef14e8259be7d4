package duality.guests.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The file system that the kernel finds in memory at start: busybox, modules, the scripts of {@code
 * rootfs} and, when it is there, the agent.
 *
 * <p>It is not compressed: an emulated machine unpacks slowly and copies fast. The same parts give
 * the same bytes.
 */
final class Initramfs {

  /** Changes whenever the same parts would give other bytes. */
  private static final String FORMAT = "1";

  /** Scripts of {@code rootfs}; those marked are programs. */
  private static final List<String> PROGRAMS =
      List.of("etc/agent", "etc/console", "etc/start", "etc/stop");

  private static final List<String> TEXTS =
      List.of(
          "etc/filesystems",
          "etc/fstab",
          "etc/group",
          "etc/hosts",
          "etc/inittab",
          "etc/passwd",
          "etc/profile");

  private static final List<String> FOLDERS =
      List.of(
          "bin",
          "dev",
          "etc",
          "lib",
          "mnt",
          "proc",
          "root",
          "run",
          "sbin",
          "sys",
          "tmp",
          "usr/bin",
          "usr/sbin",
          "var");

  private final String release;
  private final byte[] busybox;
  private final SortedMap<String, byte[]> modules;
  private final Optional<byte[]> agent;

  /**
   * Takes the parts.
   *
   * @param release the kernel's release, the name of the folder of modules
   * @param busybox a static binary
   * @param modules files by name, for instance {@code virtio_blk.ko}
   * @param agent the program that answers on the console port named {@code agent}
   */
  Initramfs(String release, byte[] busybox, Map<String, byte[]> modules, Optional<byte[]> agent) {
    this.release = release;
    this.busybox = busybox;
    this.modules = new TreeMap<>(modules);
    this.agent = agent;
  }

  /** The agent that is built into this bundle. */
  static Optional<byte[]> builtInAgent() throws IOException {
    try (@Nullable InputStream in = Initramfs.class.getResourceAsStream("/agent/agent")) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    }
  }

  /** The archive, as {@link CpioWriter} writes it. */
  byte[] bytes() throws IOException {
    return CpioWriter.bytes(this::addTo);
  }

  private void addTo(CpioWriter archive) throws IOException {
    for (String folder : FOLDERS) {
      archive.folder(folder);
    }
    archive.characterDevice("dev/console", 0600, 5, 1);
    archive.file("bin/busybox", 0755, busybox);
    archive.link("init", "bin/busybox");
    for (String program : PROGRAMS) {
      archive.file(program, 0755, script(program));
    }
    for (String text : TEXTS) {
      archive.file(text, 0644, script(text));
    }
    if (agent.isPresent()) {
      archive.file("sbin/agent", 0755, agent.get());
    }
    String folder = "lib/modules/" + release + "/";
    Map<String, KernelModule> described = describe();
    for (Map.Entry<String, byte[]> module : modules.entrySet()) {
      archive.file(folder + module.getKey(), 0644, module.getValue());
    }
    archive.file(folder + "modules.dep", 0644, utf8(dependencies(described)));
    archive.file(folder + "modules.alias", 0644, utf8(aliases(described)));
  }

  /** Names the bytes: the same key means the same archive. */
  String key() throws IOException {
    MessageDigest digest = sha256();
    digest.update(utf8(FORMAT + "\0" + release));
    add(digest, "busybox", busybox);
    for (Map.Entry<String, byte[]> module : modules.entrySet()) {
      add(digest, module.getKey(), module.getValue());
    }
    for (String program : PROGRAMS) {
      add(digest, program, script(program));
    }
    for (String text : TEXTS) {
      add(digest, text, script(text));
    }
    if (agent.isPresent()) {
      add(digest, "agent", agent.get());
    }
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }

  private Map<String, KernelModule> describe() throws MalformedPackage {
    Map<String, KernelModule> described = new TreeMap<>();
    for (Map.Entry<String, byte[]> module : modules.entrySet()) {
      described.put(module.getKey(), KernelModule.read(module.getKey(), module.getValue()));
    }
    return described;
  }

  /**
   * The text of {@code modules.dep}: behind each file those that must be loaded before it, the
   * farthest last, as modprobe loads them from the end.
   */
  static String dependencies(Map<String, KernelModule> modules) {
    Map<String, String> files = new TreeMap<>();
    modules.forEach(
        (file, module) -> {
          files.put(module.name(), file);
          module.aliases().forEach(alias -> files.putIfAbsent(alias, file));
        });
    StringBuilder text = new StringBuilder();
    for (String file : modules.keySet()) {
      Set<String> before = new LinkedHashSet<>();
      collect(file, modules, files, new HashSet<>(), before);
      before.remove(file);
      List<String> farthestLast = new ArrayList<>(before).reversed();
      text.append(file).append(':');
      farthestLast.forEach(other -> text.append(' ').append(other));
      text.append('\n');
    }
    return text.toString();
  }

  /** Adds what {@code file} needs, each after what it needs itself, then {@code file}. */
  private static void collect(
      String file,
      Map<String, KernelModule> modules,
      Map<String, String> files,
      Set<String> entered,
      Set<String> before) {
    KernelModule module = modules.get(file);
    // Wishes may go in circles.
    if (module == null || !entered.add(file)) {
      return;
    }
    List<String> names = new ArrayList<>(module.needs());
    names.addAll(module.wishes());
    for (String name : names) {
      String other = files.get(name);
      if (other != null && !other.equals(file)) {
        collect(other, modules, files, entered, before);
      }
    }
    before.add(file);
  }

  private static String aliases(Map<String, KernelModule> modules) {
    StringBuilder text = new StringBuilder();
    modules
        .values()
        .forEach(
            module ->
                module
                    .aliases()
                    .forEach(
                        alias ->
                            text.append("alias ")
                                .append(alias)
                                .append(' ')
                                .append(module.name())
                                .append('\n')));
    return text.toString();
  }

  private static byte[] script(String name) throws IOException {
    try (@Nullable InputStream in = Initramfs.class.getResourceAsStream("rootfs/" + name)) {
      if (in == null) {
        throw new IllegalStateException("the bundle lacks its resource rootfs/" + name);
      }
      return in.readAllBytes();
    }
  }

  private static void add(MessageDigest digest, String name, byte[] content) {
    digest.update(utf8("\0" + name + "\0" + content.length + "\0"));
    digest.update(content);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
