package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.guests.GuestUnavailable;
import duality.guests.GuestUnavailable.Reason;
import duality.guests.Progress;
import duality.guests.linux.Packages.Member;
import java.io.IOException;
import java.lang.annotation.Annotation;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.bouncycastle.bcpg.HashAlgorithmTags;
import org.bouncycastle.openpgp.PGPException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The whole way from a mirror to a boot, with a small archive that is signed by a key of ours. */
@Timeout(600)
class LinuxGuestTest {

  private static final String KERNEL_PATH = "pool/main/l/linux/image.deb";

  @TempDir Path folder;

  private final List<String> steps = Collections.synchronizedList(new ArrayList<>());
  private final Progress progress = (what, done, total) -> steps.add(what);
  private LoopbackMirror server;
  private SigningKey key;
  private Path keyring;

  /** The settings as a container would hand them over. */
  private record Configured(String cache, String mirror, String keyring, String suite)
      implements LinuxGuest.Settings {
    @Override
    public String commandLine() {
      return "quiet";
    }

    @Override
    public int memoryMiB() {
      return 512;
    }

    @Override
    public Class<? extends Annotation> annotationType() {
      return LinuxGuest.Settings.class;
    }
  }

  @BeforeEach
  void start() throws IOException, PGPException {
    server = new LoopbackMirror();
    key = SigningKey.ed25519();
    keyring = key.keyring(folder.resolve("key.gpg"));
    publish("6.1.1-x", "2026-01-01");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private LinuxGuest guest() {
    return new LinuxGuest(
        new Configured(
            folder.resolve("cache").toString(),
            server.root().toString(),
            keyring.toString(),
            "trixie"));
  }

  /** Puts a kernel of that release into the archive. */
  private void publish(String release, String day) throws IOException, PGPException {
    byte[] kernel = Packages.kernelDeb(release, "kernel " + release);
    byte[] busybox = Packages.deb(Member.file("./usr/bin/busybox", "busybox"));
    server.files.put(KERNEL_PATH, kernel);
    server.files.put("pool/b.deb", busybox);
    String packages =
        stanza("linux-image-riscv64", "linux-image-" + release, "pool/meta.deb", new byte[1])
            + stanza("linux-image-" + release, "", KERNEL_PATH, kernel)
            + stanza("busybox-static", "", "pool/b.deb", busybox);
    byte[] index = Packages.xz(packages.getBytes(StandardCharsets.UTF_8));
    server.files.put("dists/trixie/main/binary-riscv64/Packages.xz", index);
    server.files.put("dists/trixie/InRelease", release("trixie", day, index));
  }

  private static String stanza(String name, String depends, String path, byte[] file) {
    return """
    Package: %s
    Version: 1
    Depends: %s
    Filename: %s
    Size: %d
    SHA256: %s

    """
        .formatted(name, depends, path, file.length, sha256(file));
  }

  private byte[] release(String codename, String day, byte[] index)
      throws IOException, PGPException {
    String text =
        """
        Origin: Debian
        Suite: stable
        Codename: %s
        Version: 13.9
        Date: %s
        Acquire-By-Hash: yes
        SHA256:
         %s %d main/binary-riscv64/Packages.xz
        """
            .formatted(
                codename,
                DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'UTC'", Locale.ENGLISH)
                    .format(LocalDate.parse(day).atStartOfDay()),
                sha256(index),
                index.length);
    return key.sign(text, HashAlgorithmTags.SHA256);
  }

  private static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(Initramfs.sha256().digest(bytes));
  }

  private static GuestUnavailable failure(Executable action, Reason reason) {
    GuestUnavailable e = assertThrows(GuestUnavailable.class, action);
    assertEquals(reason, e.reason(), e.getMessage());
    assertFalse(e.next().isEmpty(), "says what to try next");
    return e;
  }

  private List<String> cached() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache/trixie"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** As Debian has it after trixie: what the kernel's package names is in two others. */
  @Test
  void aKernelCutIntoTwoPackagesIsFetched() throws Exception {
    byte[] binary =
        Packages.deb(Member.file("./usr/lib/modules/7.2-x/vmlinuz", Packages.kernel("in two")));
    byte[] modules = Packages.modulesDeb("7.2-x");
    byte[] busybox = server.files.get("pool/b.deb");
    server.files.put("pool/binary.deb", binary);
    server.files.put("pool/modules.deb", modules);
    String depends = "linux-base-7.2-x, linux-binary-7.2-x (= 1), linux-modules-7.2-x (= 1)";
    String packages =
        stanza("linux-image-riscv64", "linux-image-7.2-x (= 1)", "pool/meta.deb", new byte[1])
            + stanza("linux-image-7.2-x", depends, "pool/none.deb", new byte[1])
            + stanza("linux-binary-7.2-x", "", "pool/binary.deb", binary)
            + stanza("linux-modules-7.2-x", "", "pool/modules.deb", modules)
            + stanza("busybox-static", "", "pool/b.deb", busybox);
    byte[] index = Packages.xz(packages.getBytes(StandardCharsets.UTF_8));
    server.files.put("dists/trixie/main/binary-riscv64/Packages.xz", index);
    server.files.put("dists/trixie/InRelease", release("trixie", "2026-02-01", index));
    Boot boot = guest().prepare(progress);
    assertArrayEquals(Packages.kernel("in two"), Files.readAllBytes(boot.kernel()));
    assertTrue(guest().description().contains("7.2-x"), guest().description());
  }

  @Test
  void anEmptyCacheIsFilledAndThenNeedsNoNetwork() throws Exception {
    assertFalse(guest().ready());
    Boot boot = guest().prepare(progress);
    assertArrayEquals(Packages.kernel("kernel 6.1.1-x"), Files.readAllBytes(boot.kernel()));
    assertTrue(Files.size(boot.initrd().orElseThrow()) > 0);
    assertEquals("quiet", boot.commandLine());
    assertTrue(steps.contains("linux-image-6.1.1-x"), steps.toString());
    server.close();
    assertTrue(guest().ready());
    assertEquals(boot, guest().prepare(progress));
    assertTrue(guest().description().contains("6.1.1-x"), guest().description());
  }

  @Test
  void downloadsAreRemovedWhenTheyAreUnpacked() throws Exception {
    guest().prepare(progress);
    try (Stream<Path> left = Files.list(folder.resolve("cache/trixie/download"))) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void twoAtOnceDownloadOnce() throws Exception {
    List<CompletableFuture<Boot>> boots = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      boots.add(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return guest().prepare(progress);
                } catch (GuestUnavailable e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    for (CompletableFuture<Boot> boot : boots) {
      assertEquals(boots.getFirst().join(), boot.join());
    }
    assertEquals(1, server.requests.stream().filter(KERNEL_PATH::equals).count());
  }

  @Test
  void anotherProcessThatHasTheLockIsWaitedFor() throws Exception {
    Path cache = Files.createDirectories(folder.resolve("cache/trixie"));
    String program =
        """
        var f = java.nio.channels.FileChannel.open(java.nio.file.Path.of("%s"),
            java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.WRITE);
        var lock = f.lock();
        """
            .formatted(cache.resolve("lock"));
    Path source = folder.resolve("Holder.java");
    Files.writeString(
        source,
        "class Holder { public static void main(String[] a) throws Exception { "
            + program
            + " System.out.println(\"held\"); System.in.read(); } }");
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                source.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var out = holder.inputReader()) {
      assertEquals("held", out.readLine());
      CompletableFuture<Void> waiting = new CompletableFuture<>();
      Progress waits =
          (what, done, total) -> {
            steps.add(what);
            if (what.startsWith("waiting")) {
              waiting.complete(null);
            }
          };
      CompletableFuture<Boot> boot =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return guest().prepare(waits);
                } catch (GuestUnavailable e) {
                  throw new IllegalStateException(e);
                }
              });
      waiting.join();
      assertFalse(boot.isDone());
      assertEquals(List.of(), server.requests);
      holder.getOutputStream().close();
      assertTrue(Files.exists(boot.join().kernel()));
    } finally {
      holder.destroy();
    }
  }

  @Test
  void aNewerReleaseIsFetchedAndTheOneBeforeItIsKept() throws Exception {
    Boot first = guest().prepare(progress);
    publish("6.1.2-x", "2026-02-01");
    assertEquals(first, guest().prepare(progress), "prepare does not look for news");
    Boot second = guest().fetch(Optional.empty(), progress);
    assertArrayEquals(Packages.kernel("kernel 6.1.2-x"), Files.readAllBytes(second.kernel()));
    assertTrue(Files.exists(first.kernel()), "a machine may be about to read it");
    publish("6.1.3-x", "2026-03-01");
    guest().fetch(Optional.empty(), progress);
    assertTrue(Files.exists(second.kernel()));
    assertFalse(Files.exists(first.kernel()));
  }

  @Test
  void anUnchangedReleaseIsNotFetchedAgain() throws Exception {
    Boot boot = guest().prepare(progress);
    server.requests.clear();
    assertEquals(boot, guest().fetch(Optional.empty(), progress));
    assertEquals(List.of("dists/trixie/InRelease"), server.requests);
  }

  @Test
  void anOlderReleaseDoesNotReplaceANewerOne() throws Exception {
    publish("6.1.2-x", "2026-02-01");
    Boot newer = guest().prepare(progress);
    publish("6.1.1-x", "2026-01-01");
    assertEquals(newer, guest().fetch(Optional.empty(), progress));
  }

  @Test
  void aFailedFetchLeavesWhatWasThere() throws Exception {
    Boot boot = guest().prepare(progress);
    publish("6.1.2-x", "2026-02-01");
    server.files.put(KERNEL_PATH, new byte[10]);
    failure(() -> guest().fetch(Optional.empty(), progress), Reason.NOT_AUTHENTIC);
    assertEquals(boot, guest().prepare(progress));
  }

  @Test
  void aReleaseFileOfSomebodyElseIsRefused() throws Exception {
    key = SigningKey.ed25519();
    publish("6.6.6-evil", "2026-02-01");
    GuestUnavailable e = failure(() -> guest().prepare(progress), Reason.NOT_AUTHENTIC);
    assertTrue(e.why().contains("unknown keys"), e.why());
    assertFalse(server.requests.contains(KERNEL_PATH));
  }

  @Test
  void aChangedReleaseFileIsRefused() throws Exception {
    String signed = new String(server.files.get("dists/trixie/InRelease"), StandardCharsets.UTF_8);
    server.files.put(
        "dists/trixie/InRelease", signed.replace("13.9", "13.8").getBytes(StandardCharsets.UTF_8));
    failure(() -> guest().prepare(progress), Reason.NOT_AUTHENTIC);
  }

  @Test
  void theReleaseFileOfAnotherSuiteIsRefused() throws Exception {
    byte[] index = server.files.get("dists/trixie/main/binary-riscv64/Packages.xz");
    String text = ClearSigned.parse(release("bookworm", "2026-02-01", index)).text();
    server.files.put(
        "dists/trixie/InRelease",
        key.sign(text.replace("Suite: stable", "Suite: oldstable"), HashAlgorithmTags.SHA256));
    GuestUnavailable e = failure(() -> guest().prepare(progress), Reason.NOT_AUTHENTIC);
    assertTrue(e.why().contains("bookworm"), e.why());
  }

  @Test
  void aChangedIndexOrPackageIsRefused() throws Exception {
    for (String path :
        List.of("dists/trixie/main/binary-riscv64/Packages.xz", "pool/b.deb", KERNEL_PATH)) {
      byte[] good = server.files.get(path);
      byte[] bad = good.clone();
      bad[bad.length / 2]++;
      server.files.put(path, bad);
      failure(() -> guest().prepare(progress), Reason.NOT_AUTHENTIC);
      assertFalse(guest().ready());
      server.files.put(path, good);
    }
    guest().prepare(progress);
  }

  @Test
  void indexesAreAskedForByHashFirst() throws Exception {
    String name = "dists/trixie/main/binary-riscv64/";
    byte[] index = server.files.remove(name + "Packages.xz");
    server.files.put(name + "by-hash/SHA256/" + sha256(index), index);
    guest().prepare(progress);
  }

  @Test
  void aMirrorInTheMiddleOfAnUpdateGivesTheReleaseBeforeByItsOtherName() throws Exception {
    String index = "/main/binary-riscv64/Packages.xz";
    byte[] before = server.files.get("dists/trixie" + index);
    server.files.put("dists/stable" + index, before);
    server.files.put("dists/stable/InRelease", server.files.get("dists/trixie/InRelease"));
    byte[] kernel = server.files.get(KERNEL_PATH);
    byte[] busybox = server.files.get("pool/b.deb");
    publish("6.1.2-x", "2026-02-01");
    // A package that is made a second later is another one: it has the time in it.
    server.files.put("pool/b.deb", busybox);
    server.files.put(KERNEL_PATH, kernel);
    byte[] after = server.files.put("dists/trixie" + index, before);
    Boot boot = guest().prepare(progress);
    assertArrayEquals(Packages.kernel("kernel 6.1.1-x"), Files.readAllBytes(boot.kernel()));
    // What is there by then is kept, and later the update is found.
    assertEquals(boot, guest().fetch(Optional.empty(), progress));
    server.files.put("dists/trixie" + index, after);
    publish("6.1.2-x", "2026-02-01");
    Boot updated = guest().fetch(Optional.empty(), progress);
    assertArrayEquals(Packages.kernel("kernel 6.1.2-x"), Files.readAllBytes(updated.kernel()));
  }

  @Test
  void theOtherNameOfASuiteMustNotBeAnotherSuite() throws Exception {
    String index = "dists/trixie/main/binary-riscv64/Packages.xz";
    byte[] older = server.files.get(index);
    server.files.put("dists/stable/main/binary-riscv64/Packages.xz", older);
    String text = ClearSigned.parse(release("forky", "2026-01-01", older)).text();
    server.files.put("dists/stable/InRelease", key.sign(text, HashAlgorithmTags.SHA256));
    publish("6.1.2-x", "2026-02-01");
    server.files.put(index, older);
    GuestUnavailable e = failure(() -> guest().prepare(progress), Reason.NOT_AUTHENTIC);
    assertTrue(e.getMessage().contains("index of packages"), e.getMessage());
    assertFalse(guest().ready());
  }

  @Test
  void aMirrorThatIsNoneIsSaid() {
    server.files.clear();
    failure(() -> guest().prepare(progress), Reason.NOT_FOUND);
  }

  @Test
  void withoutNetworkAndCacheTheWayOutIsSaid() {
    server.close();
    GuestUnavailable e = failure(() -> guest().prepare(progress), Reason.NETWORK);
    assertTrue(e.next().contains("guest:fetch linux"), e.next());
    assertTrue(e.next().contains("nano"), e.next());
  }

  @Test
  void anExplicitMirrorIsUsedInsteadOfTheConfiguredOne() throws Exception {
    URI root = server.root();
    LinuxGuest elsewhere =
        new LinuxGuest(
            new Configured(
                folder.resolve("cache").toString(), "http://127.0.0.1:9/debian",
                keyring.toString(), "trixie"));
    elsewhere.fetch(Optional.of(root), progress);
    failure(
        () -> elsewhere.fetch(Optional.of(URI.create("gopher://x/debian")), progress),
        Reason.SETTINGS);
  }

  @Test
  void aPackageThatCannotBeUnpackedLeavesNothingHalf() throws Exception {
    byte[] empty = Packages.deb(Member.file("./boot/readme", "no kernel here"));
    byte[] busybox = server.files.get("pool/b.deb");
    server.files.put(KERNEL_PATH, empty);
    String packages =
        stanza("linux-image-riscv64", "linux-image-x", "pool/meta.deb", new byte[1])
            + stanza("linux-image-x", "", KERNEL_PATH, empty)
            + stanza("busybox-static", "", "pool/b.deb", busybox);
    byte[] index = Packages.xz(packages.getBytes(StandardCharsets.UTF_8));
    server.files.put("dists/trixie/main/binary-riscv64/Packages.xz", index);
    server.files.put("dists/trixie/InRelease", release("trixie", "2026-02-01", index));
    failure(() -> guest().prepare(progress), Reason.MALFORMED);
    assertFalse(guest().ready());
    publish("6.1.2-x", "2026-02-02");
    guest().prepare(progress);
    assertEquals(0, cached().stream().filter(name -> name.startsWith("new-")).count());
  }

  @Test
  void aCacheThatCannotBeWrittenIsSaid() throws Exception {
    Files.writeString(folder.resolve("cache"), "a file where the folder should be");
    failure(() -> guest().prepare(progress), Reason.STORAGE);
  }

  @Test
  void aDamagedCacheCountsAsNone() throws Exception {
    Boot boot = guest().prepare(progress);
    Files.write(boot.kernel(), new byte[3]);
    assertFalse(guest().ready());
    assertArrayEquals(
        Packages.kernel("kernel 6.1.1-x"), Files.readAllBytes(guest().prepare(progress).kernel()));
  }

  @Test
  void theUsersCacheFolderIsTheOneOfTheSpecification() {
    assertEquals(
        Path.of("/x/duality"), ImageCache.userFolder(Map.of("XDG_CACHE_HOME", "/x"), "/home/u"));
    assertEquals(
        Path.of("/home/u/.cache/duality"),
        ImageCache.userFolder(Map.of("XDG_CACHE_HOME", "relative"), "/home/u"));
    assertNotEquals(Path.of("/x"), ImageCache.userFolder(Map.of(), "/home/u"));
  }
}
