package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.linux.LoopbackMirror.Fault;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class DownloadTest {

  private static final AptSettings DIRECT = AptSettings.of("", Map.of());
  private static final String PATH = "pool/a+b.deb";

  @TempDir Path folder;

  private final byte[] content = new byte[300_000];
  private final List<String> steps = new ArrayList<>();
  private LoopbackMirror server;
  private Mirror mirror;
  private Path target;

  @BeforeEach
  void start() throws IOException {
    new Random(5).nextBytes(content);
    server = new LoopbackMirror();
    server.files.put(PATH, content);
    mirror = new Mirror(server.root(), DIRECT, Duration.ofSeconds(100));
    target = folder.resolve("a.deb");
  }

  @AfterEach
  void stop() {
    mirror.close();
    server.close();
  }

  private static ReleaseFile.Listed listed(byte[] content) {
    String hash = HexFormat.of().formatHex(Initramfs.sha256().digest(content));
    return new ReleaseFile.Listed(content.length, hash);
  }

  private Path part() {
    return folder.resolve("a.deb.part");
  }

  private void get() throws IOException, InterruptedException {
    get(mirror);
  }

  private void get(Mirror mirror) throws IOException, InterruptedException {
    new Download(mirror, (what, done, total) -> steps.add(what + " " + done + "/" + total))
        .file("a", PATH, target, listed(content));
  }

  @Test
  void aFileArrivesWholeAndProgressEndsAtItsSize() throws IOException, InterruptedException {
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
    assertFalse(Files.exists(part()));
    assertEquals("a 0/300000", steps.getFirst());
    assertEquals("a 300000/300000", steps.getLast());
    get();
    assertEquals(1, server.requests.size(), "what is there is not asked for again");
  }

  @Test
  void aBrokenConnectionIsTakenUpWhereItEnded() throws IOException, InterruptedException {
    server.fault = Fault.BREAKS_OFF;
    server.faults = 2;
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
    assertEquals(3, server.requests.size());
    assertTrue(server.requests.get(1).contains(" bytes="), server.requests.toString());
  }

  @Test
  void aServerThatStopsInTheMiddleIsLeftAndAskedAgain() throws IOException, InterruptedException {
    server.fault = Fault.STALLS;
    server.faults = 1;
    try (Mirror hasty = new Mirror(server.root(), DIRECT, Duration.ofSeconds(3))) {
      get(hasty);
    }
    assertArrayEquals(content, Files.readAllBytes(target));
  }

  @Test
  void aServerThatNeverDeliversIsGivenUp() {
    server.fault = Fault.OVERLOADED;
    IOException e = assertThrows(IOException.class, this::get);
    assertTrue(e.getMessage().contains("503"), e.getMessage());
    assertFalse(Files.exists(target));
  }

  @Test
  void aPartOfAnEarlierRunIsUsed() throws IOException, InterruptedException {
    Files.write(part(), Arrays.copyOf(content, 200_000));
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
    assertEquals(List.of(PATH + " bytes=200000-"), server.requests);
  }

  @Test
  void aWholePartOfAnEarlierRunNeedsNoServer() throws IOException, InterruptedException {
    Files.write(part(), content);
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
    assertEquals(List.of(), server.requests);
  }

  @Test
  void aBrokenPartOfAnEarlierRunIsThrownAway() throws IOException, InterruptedException {
    Files.write(part(), new byte[200_000]);
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
    Files.delete(target);
    Files.write(part(), new byte[400_000]);
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
  }

  @Test
  void aServerThatCannotStartInTheMiddleSendsAll() throws IOException, InterruptedException {
    server.fault = Fault.NO_RANGES;
    Files.write(part(), Arrays.copyOf(content, 200_000));
    get();
    assertArrayEquals(content, Files.readAllBytes(target));
  }

  @Test
  void anotherContentIsNeverHandedOver() {
    byte[] other = content.clone();
    other[1000]++;
    server.files.put(PATH, other);
    NotAuthentic e = assertThrows(NotAuthentic.class, this::get);
    assertTrue(e.getMessage().contains("SHA-256"), e.getMessage());
    assertFalse(Files.exists(target));
    assertFalse(Files.exists(part()));
  }

  @Test
  void aLongerFileIsNotReadToItsEnd() {
    server.files.put(PATH, Arrays.copyOf(content, 400_000));
    assertThrows(NotAuthentic.class, this::get);
    assertFalse(Files.exists(target));
  }

  @Test
  void whatTheMirrorDoesNotHaveIsSaid() {
    server.files.clear();
    assertThrows(FileNotFoundException.class, this::get);
    assertEquals(1, server.requests.size(), "asking again would not help");
  }

  @Test
  void aFolderThatCannotBeWrittenIsNotTheNetworksFault() throws IOException {
    Files.createDirectory(part());
    assertThrows(StorageFailed.class, this::get);
  }

  @Test
  void anInterruptEndsIt() throws InterruptedException {
    server.fault = Fault.STALLS;
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try (Mirror patient = new Mirror(server.root(), DIRECT, Duration.ofMinutes(5))) {
                get(patient);
              } catch (IOException | InterruptedException e) {
                thrown.complete(e);
              }
            });
    thread.start();
    while (server.requests.isEmpty()) {
      Thread.onSpinWait();
    }
    thread.interrupt();
    assertInstanceOf(InterruptedException.class, thrown.join());
    thread.join();
    assertFalse(Files.exists(target));
  }

  @Test
  void aProxyIsAskedInsteadOfTheMirror() throws IOException, InterruptedException {
    // The loopback server plays the proxy for a host that does not exist.
    String dump = "Acquire::http::Proxy \"http://" + server.root().getAuthority() + "/\";\n";
    try (Mirror far =
        new Mirror(
            URI.create("http://mirror.invalid/debian"),
            AptSettings.of(dump, Map.of()),
            Duration.ofSeconds(100))) {
      new Download(far, (what, done, total) -> {}).file("a", PATH, target, listed(content));
    }
    assertArrayEquals(content, Files.readAllBytes(target));
  }

  @Test
  void aFolderOfThisMachineIsAMirrorToo() throws IOException, InterruptedException {
    Path file = folder.resolve("m").resolve(PATH);
    Files.createDirectories(file.getParent());
    Files.write(file, content);
    Files.write(part(), Arrays.copyOf(content, 1000));
    try (Mirror local = new Mirror(folder.resolve("m").toUri(), DIRECT, Duration.ofSeconds(100))) {
      new Download(local, (what, done, total) -> {}).file("a", PATH, target, listed(content));
      assertThrows(FileNotFoundException.class, () -> local.open("none", 0));
    }
    assertArrayEquals(content, Files.readAllBytes(target));
  }

  @Test
  void otherAddressesAreRefused() {
    for (String bad : new String[] {"ftp://m.example/debian", "debian", "http:/x"}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new Mirror(URI.create(bad), DIRECT, Duration.ofSeconds(1)),
          bad);
    }
  }
}
