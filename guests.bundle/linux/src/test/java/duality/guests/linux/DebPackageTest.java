package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.linux.Packages.Member;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DebPackageTest {

  @TempDir Path folder;

  private final List<Long> positions = new ArrayList<>();

  private Map<String, String> read(byte[] deb, DebPackage.Limits limits) throws IOException {
    Path file = Files.write(folder.resolve("test.deb"), deb);
    Map<String, String> files = new TreeMap<>();
    DebPackage.read(
        file,
        limits,
        position -> positions.add(position),
        (path, size, content) -> {
          files.put(path, new String(content.readAllBytes(), StandardCharsets.UTF_8));
          return true;
        });
    return files;
  }

  private Map<String, String> read(byte[] deb) throws IOException {
    return read(deb, DebPackage.Limits.DEFAULT);
  }

  @Test
  void regularFilesAreOfferedAndLinksAreNot() throws IOException {
    byte[] deb =
        Packages.deb(
            Member.file("./usr/bin/a", "A"),
            Member.link("./b", "/etc/passwd"),
            Member.file("c", "C"));
    assertEquals(Map.of("usr/bin/a", "A", "c", "C"), read(deb));
  }

  @Test
  void thePositionGrowsUpToTheSize() throws IOException {
    byte[] deb = Packages.deb(Member.file("./a", "A"));
    read(deb);
    assertEquals(positions.stream().sorted().toList(), positions);
    assertEquals(deb.length, positions.getLast());
  }

  @Test
  void anInterruptEndsIt() throws IOException {
    byte[] deb = Packages.deb(Member.file("./a", "A"));
    Thread.currentThread().interrupt();
    try {
      assertThrows(InterruptedIOException.class, () -> read(deb));
    } finally {
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void aPlainTarIsUnderstoodToo() throws IOException {
    byte[] tar = Packages.tar(Member.file("./a", "A"));
    assertEquals(Map.of("a", "A"), read(Packages.ar(Map.of("data.tar", tar))));
  }

  @Test
  void aNameOutsideTheRootIsRefused() throws IOException {
    for (String name : new String[] {"./../../etc/cron.d/x", "a/../../b", "/etc/shadow", ".."}) {
      byte[] deb = Packages.deb(Member.file(name, "x"));
      MalformedPackage e = assertThrows(MalformedPackage.class, () -> read(deb), name);
      assertTrue(e.getMessage().contains("outside"), e.getMessage());
    }
  }

  @Test
  void aFileAboveTheLimitIsRefused() throws IOException {
    byte[] deb = Packages.deb(Member.file("./a", new byte[101]));
    DebPackage.Limits limits = new DebPackage.Limits(10, 100, 1 << 20, 1 << 16);
    assertThrows(MalformedPackage.class, () -> read(deb, limits));
    assertEquals(1, read(deb, new DebPackage.Limits(10, 101, 1 << 20, 1 << 16)).size());
  }

  @Test
  void aBombOfManyFilesIsRefused() throws IOException {
    Member[] members = new Member[50];
    Arrays.setAll(members, i -> Member.file("./f" + i, new byte[4096]));
    byte[] deb = Packages.deb(members);
    assertThrows(
        MalformedPackage.class,
        () -> read(deb, new DebPackage.Limits(49, 1 << 20, 1 << 20, 1 << 16)),
        "number of files");
    assertThrows(
        MalformedPackage.class,
        () -> read(deb, new DebPackage.Limits(100, 1 << 20, 100_000, 1 << 16)),
        "bytes in all");
  }

  @Test
  void aDecoderThatWantsTooMuchMemoryIsRefused() throws IOException {
    byte[] deb = Packages.deb(Member.file("./a", "A"));
    assertThrows(
        MalformedPackage.class, () -> read(deb, new DebPackage.Limits(10, 100, 1 << 20, 100)));
  }

  @Test
  void whatIsNoPackageIsRefused() throws IOException {
    assertThrows(MalformedPackage.class, () -> read(new byte[0]));
    assertThrows(MalformedPackage.class, () -> read("!<arch>\n".getBytes(StandardCharsets.UTF_8)));
    assertThrows(MalformedPackage.class, () -> read(Packages.ar(Map.of("other", new byte[3]))));
    assertThrows(
        MalformedPackage.class, () -> read(Packages.ar(Map.of("data.tar.zst", new byte[3]))));
  }

  @Test
  void damageOfAnyKindIsAnErrorOfThatKind() throws IOException {
    byte[] good = Packages.deb(Member.file("./a", "some content"), Member.file("./b", "more"));
    long seed = 20260917;
    Random random = new Random(seed);
    for (int round = 0; round < 2000; round++) {
      byte[] bad = good.clone();
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      byte[] file = random.nextInt(4) == 0 ? Arrays.copyOf(bad, random.nextInt(bad.length)) : bad;
      try {
        read(file);
      } catch (MalformedPackage expected) {
        // As it should be; anything else fails the test.
      } catch (RuntimeException | IOException e) {
        throw new AssertionError("seed " + seed + " round " + round, e);
      }
    }
  }

  @Test
  void aKernelPackageIsUnpackedWithWhatItsModulesNeed() throws IOException {
    Path deb = Files.write(folder.resolve("k.deb"), Packages.kernelDeb("6.1-x", "one"));
    Path out = Files.createDirectory(folder.resolve("out"));
    assertEquals(
        "6.1-x", KernelPackage.unpack(List.of(deb), out, KernelPackage.WANTED, position -> {}));
    assertArrayEquals(Packages.kernel("one"), Files.readAllBytes(out.resolve("Image")));
    for (String module : new String[] {"virtio_net", "net_failover", "failover", "virtio-rng"}) {
      assertTrue(Files.exists(out.resolve("modules/" + module + ".ko")), module);
    }
  }

  @Test
  void aKernelPackageThatIsCutInTwoIsPutTogether() throws IOException {
    Member kernel = Member.file("./usr/lib/modules/7+x/vmlinuz", Packages.kernel("two"));
    Member module =
        Member.file("./usr/lib/modules/7+x/kernel/a.ko", Packages.module("depends=late"));
    Member late = Member.file("./usr/lib/modules/7+x/kernel/late.ko", Packages.module("depends="));
    Path binary = Files.write(folder.resolve("b.deb"), Packages.deb(kernel));
    Path modules = Files.write(folder.resolve("m.deb"), Packages.deb(late, module));
    assertEquals(
        "7+x",
        KernelPackage.unpack(List.of(binary, modules), folder, Set.of("a"), position -> {}),
        "the release is its folder's name");
    assertArrayEquals(Packages.kernel("two"), Files.readAllBytes(folder.resolve("Image")));
    assertTrue(Files.exists(folder.resolve("modules/late.ko")));
  }

  @Test
  void aDependencyNobodyExpectedIsFoundInASecondReading() throws IOException {
    byte[] deb =
        Packages.deb(
            Member.file("./lib/modules/6/kernel/lib/odd.ko", Packages.module("depends=")),
            Member.file("./lib/modules/6/kernel/a.ko", Packages.module("depends=odd")),
            Member.file("./boot/vmlinux-6", Packages.kernel("")));
    Path file = Files.write(folder.resolve("k.deb"), deb);
    KernelPackage.unpack(List.of(file), folder, Set.of("a"), position -> {});
    assertTrue(Files.exists(folder.resolve("modules/odd.ko")));
  }

  @Test
  void aKernelPackageWithoutKernelOrModuleIsRefused() throws IOException {
    Path file = folder.resolve("k.deb");
    Files.write(file, Packages.deb(Member.file("./boot/vmlinux-6", Packages.kernel(""))));
    MalformedPackage e =
        assertThrows(
            MalformedPackage.class,
            () ->
                KernelPackage.unpack(List.of(file), folder, Set.of("virtio_blk"), position -> {}));
    assertTrue(e.getMessage().contains("virtio_blk"), e.getMessage());
    Files.write(file, Packages.deb(Member.file("./boot/vmlinux-6", new byte[256])));
    assertThrows(
        MalformedPackage.class,
        () -> KernelPackage.unpack(List.of(file), folder, Set.of(), position -> {}));
    Files.write(file, Packages.deb(Member.file("./boot/config-6", "x")));
    assertThrows(
        MalformedPackage.class,
        () -> KernelPackage.unpack(List.of(file), folder, Set.of(), position -> {}));
  }
}
