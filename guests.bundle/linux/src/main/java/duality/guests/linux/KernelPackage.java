package duality.guests.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tukaani.xz.XZInputStream;

/**
 * Takes the kernel and the few modules that a machine of ours needs out of Debian's package, or out
 * of the two that it is cut into after trixie.
 */
final class KernelPackage {

  /** Transport, disk, network and entropy of a virtio machine, and the file system of disks. */
  static final Set<String> WANTED =
      Set.of("virtio_mmio", "virtio_blk", "virtio_net", "virtio_rng", "ext4");

  /**
   * What these are known to need. Only spares a second reading of the package: what modules say
   * about themselves is what counts.
   */
  private static final List<String> EXPECTED =
      List.of("failover", "net_failover", "crc16", "mbcache", "jbd2");

  /** What older kernels need for ext4 without saying so; newer ones have it built in. */
  private static final String IF_THERE = "crc32c_generic";

  private static final long MAX_KERNEL_BYTES = 128L << 20;
  private static final int MAX_MODULE_BYTES = 64 << 20;

  private static final Pattern KERNEL =
      Pattern.compile(
          "boot/vmlinu[xz]-([A-Za-z0-9.+~_-]+)|(?:usr/)?lib/modules/([^/]+)/vmlinu[xz]");
  private static final Pattern MODULE =
      Pattern.compile(
          "(?:usr/)?lib/modules/([^/]+)/kernel/(?:[^/]+/)*([A-Za-z0-9_-]+\\.ko)(\\.xz)?");

  private KernelPackage() {}

  /**
   * Unpacks into {@code folder}: the kernel as {@code Image}, modules as {@code modules/NAME.ko}.
   *
   * @param debs the packages that have it between them
   * @param wanted names of modules that are needed, with {@code _} for {@code -}
   * @param position told how many bytes of the packages have been read, now and then
   * @return the kernel's release, as {@code uname -r} prints it
   * @throws MalformedPackage when the kernel or a module is missing or not understood
   */
  static String unpack(List<Path> debs, Path folder, Set<String> wanted, LongConsumer position)
      throws IOException {
    Path modules = Files.createDirectories(folder.resolve("modules"));
    Map<String, KernelModule> found = new TreeMap<>();
    Set<String> candidates = new HashSet<>(wanted);
    candidates.addAll(EXPECTED);
    candidates.add(IF_THERE);
    String[] release = new String[1];
    while (true) {
      long before = 0;
      for (Path deb : debs) {
        long base = before;
        DebPackage.read(
            deb,
            DebPackage.Limits.DEFAULT,
            read -> position.accept(base + read),
            (path, size, content) -> {
              Matcher kernel = KERNEL.matcher(path);
              Matcher module = MODULE.matcher(path);
              if (kernel.matches()) {
                release[0] = kernel.group(1) == null ? kernel.group(2) : kernel.group(1);
                copyKernel(path, size, content, folder.resolve("Image"));
              } else if (module.matches()) {
                String name = KernelModule.nameOf(module.group(2));
                if (candidates.contains(name) && !found.containsKey(name)) {
                  byte[] elf =
                      module.group(3) == null
                          ? bytes(path, content)
                          : bytes(path, new XZInputStream(content, 128 << 10));
                  found.put(name, KernelModule.read(module.group(2), elf));
                  Files.write(modules.resolve(module.group(2)), elf);
                }
              }
              return release[0] == null || !found.keySet().containsAll(candidates);
            });
        before += Files.size(deb);
      }
      if (release[0] == null) {
        throw new MalformedPackage(debs.getFirst().getFileName() + " has no kernel");
      }
      Set<String> missing = missing(wanted, found);
      if (missing.isEmpty()) {
        return release[0];
      }
      if (!candidates.addAll(missing)) {
        throw new MalformedPackage(debs.getLast().getFileName() + " lacks the modules " + missing);
      }
    }
  }

  private static Set<String> missing(Set<String> wanted, Map<String, KernelModule> found) {
    Set<String> missing = new TreeSet<>(wanted);
    found.values().forEach(module -> missing.addAll(module.needs()));
    missing.removeAll(found.keySet());
    return missing;
  }

  private static void copyKernel(String path, long size, InputStream content, Path target)
      throws IOException {
    if (size > MAX_KERNEL_BYTES) {
      throw new MalformedPackage(path + " has " + size + " bytes");
    }
    Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
    byte[] head = new byte[64];
    try (InputStream in = Files.newInputStream(target)) {
      in.readNBytes(head, 0, head.length);
    }
    // "RISCV\0\0\0" at 0x30: Linux, Documentation/arch/riscv/boot-image-header.rst.
    if (!new String(head, 0x30, 5, StandardCharsets.US_ASCII).equals("RISCV")) {
      throw new MalformedPackage(path + " is no flat RISC-V kernel image");
    }
  }

  private static byte[] bytes(String path, InputStream in) throws IOException {
    byte[] bytes = in.readNBytes(MAX_MODULE_BYTES + 1);
    if (bytes.length > MAX_MODULE_BYTES) {
      throw new MalformedPackage(path + " has more than " + MAX_MODULE_BYTES + " bytes");
    }
    return bytes;
  }
}
