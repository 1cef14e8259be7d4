package duality.vmm.guest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.vmm.GuestAgent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies with the host's own shell and its tools in the place of a guest's. */
class GuestFilesTest {
  @TempDir Path folder;

  private Path host;
  private Path guest;
  private HostShell shell;
  private GuestFiles files;
  private boolean cancelled;
  private final List<Long> progress = new ArrayList<>();

  @BeforeEach
  void open() throws IOException {
    host = Files.createDirectory(folder.resolve("host"));
    guest = Files.createDirectory(folder.resolve("guest"));
    shell = new HostShell(guest);
    files = new GuestFiles(shell, () -> cancelled);
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  private static void mode(Path file, String mode) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  private static List<String> names(Path folder) throws IOException {
    try (var all = Files.list(folder)) {
      return all.map(each -> each.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void bytesModesAndNamesAreKeptBothWays() throws Exception {
    for (int size : new int[] {0, 1, 57_343, 57_344, 57_345, 300_000}) {
      Path in = host.resolve("it's $HOME \"x\" `y`");
      Files.write(in, bytes(size));
      mode(in, "rwxr-x--x");
      String inside = files.copyIn(in, "there 'is'", (done, total) -> progress.add(done));
      assertEquals("there 'is'", inside);
      assertArrayEquals(bytes(size), Files.readAllBytes(guest.resolve("there 'is'")));
      assertEquals("rwxr-x--x", mode(guest.resolve("there 'is'")));
      Path out = host.resolve("out");
      assertEquals(out, files.copyOut("there 'is'", out, (done, total) -> progress.add(done)));
      assertArrayEquals(bytes(size), Files.readAllBytes(out));
      assertEquals("rwxr-x--x", mode(out));
    }
    assertTrue(progress.contains(300_000L), "" + progress);
    assertEquals(0, shell.jobs(), "no job is left");
    assertEquals(List.of("there 'is'"), names(guest));
  }

  @Test
  void aBigFileComesOutInPiecesThatAnAgentCanKeep() throws Exception {
    int piece = 128 << 16;
    for (int size : new int[] {piece, piece + 1, 2 * piece, 2 * piece + 70_000}) {
      Files.write(guest.resolve("big"), bytes(size));
      Path out = host.resolve("out");
      files.copyOut("big", out, (done, total) -> progress.add(done));
      assertEquals(-1, Files.mismatch(guest.resolve("big"), out), () -> size + " bytes");
      assertEquals(size, progress.getLast());
    }
    assertTrue(shell.longest < GuestAgent.KEPT_BYTES, () -> shell.longest + " bytes at once");
    assertEquals(0, shell.jobs());
  }

  @Test
  void aBigFileThatChangesMeanwhileIsNotCopied() throws Exception {
    Path big = guest.resolve("big");
    Path out = host.resolve("out");
    for (int size : new int[] {12 << 20, 9 << 20, 0}) {
      Files.write(big, new byte[10 << 20]);
      boolean[] changed = {false};
      String refused =
          refused(
              () ->
                  files.copyOut(
                      "big",
                      out,
                      (done, total) -> {
                        if (!changed[0]) {
                          changed[0] = true;
                          resize(big, size);
                        }
                      }));
      assertEquals("in the guest: 'big' was changed while it was copied", refused);
      assertFalse(Files.exists(out));
    }
  }

  @Test
  void aFileThatDoesNotEndIsGivenUp() throws Exception {
    Files.write(guest.resolve("endless"), new byte[40 << 20]);
    Path out = host.resolve("out");
    for (long size : new long[] {5, 9 << 20}) {
      shell.before = "stat() { echo 644 " + size + " regular file; }; ";
      assertEquals(
          "in the guest: 'endless' goes on after the "
              + size
              + " bytes of its size; nothing was kept. Copy a part that ends: head -c there",
          refused(() -> files.copyOut("endless", out, (done, total) -> progress.add(done))));
      assertTrue(progress.getLast() <= size + (16 << 20), "" + progress.getLast());
      assertEquals(List.of(), names(host));
      assertEquals(0, shell.jobs());
    }
    shell.before = "stat() { echo 644 900000000000000000 regular file; }; ";
    String full = refused(() -> files.copyOut("endless", out, (done, total) -> {}));
    assertTrue(full.startsWith("no space left for 900000000000000000 bytes"), full);
    shell.before = "stat() { echo 644 9999999999999999999 regular file; }; ";
    String lies = refused(() -> files.copyOut("endless", out, (done, total) -> {}));
    assertTrue(lies.startsWith("in the guest: 644 9999"), lies);
    assertEquals(List.of(), names(host));
    // Those of /proc say that they have no bytes.
    shell.before = "stat() { echo 644 0 regular file; }; ";
    Files.write(guest.resolve("endless"), bytes(200_000));
    files.copyOut("endless", out, (done, total) -> {});
    assertArrayEquals(bytes(200_000), Files.readAllBytes(out));
  }

  private static void resize(Path file, int size) {
    try {
      Files.write(file, new byte[size]);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aFullDiskIsSaid() throws Exception {
    Path in = host.resolve("in");
    Files.write(in, bytes(100_000));
    // It is full when it is written to.
    Files.createSymbolicLink(guest.resolve("x.duality-part"), Path.of("/dev/full"));
    String full = refused(() -> files.copyIn(in, "x", (done, total) -> {}));
    assertTrue(full.startsWith("in the guest: cat: "), full);
    assertTrue(full.endsWith("No space left on device"), full);
    // It says before that there is too little room, or nothing about that.
    shell.before = "stat() { echo 2 4096 1000; }; ";
    assertEquals(
        "in the guest: no space left for 100000 bytes, 8192 are free there",
        refused(() -> files.copyIn(in, "x", (done, total) -> {})));
    for (String says : List.of("echo 25 4096 1000", "echo 0 4096 0", "false", "echo what?")) {
      shell.before = "stat() { " + says + "; }; ";
      assertEquals("x", files.copyIn(in, "x", (done, total) -> {}));
      assertEquals(-1, Files.mismatch(in, guest.resolve("x")), says);
    }
    assertEquals(List.of("x"), names(guest));
  }

  @Test
  void foldersTakeFilesUnderTheirNames() throws Exception {
    Path in = host.resolve("in.txt");
    Files.writeString(in, "text");
    Files.createDirectory(guest.resolve("etc"));
    assertEquals("etc/in.txt", files.copyIn(in, "etc/", (done, total) -> {}));
    assertEquals("etc/in.txt", files.copyIn(in, "etc", (done, total) -> {}));
    Path into = Files.createDirectory(host.resolve("into"));
    assertEquals(into.resolve("in.txt"), files.copyOut("etc/in.txt", into, (done, total) -> {}));
    assertEquals("text", Files.readString(into.resolve("in.txt")));
  }

  private String refused(org.junit.jupiter.api.function.Executable copy) {
    return String.valueOf(assertThrows(GuestFailed.class, copy).getMessage());
  }

  @Test
  void whatCannotBeCopiedIsExplainedAndNothingStays() throws Exception {
    Path in = host.resolve("in.txt");
    Files.writeString(in, "text");
    String missing = refused(() -> files.copyOut("none", in, (done, total) -> {}));
    assertTrue(missing.startsWith("in the guest: stat: "), missing);
    assertTrue(missing.contains("No such file"), missing);
    String folderAsked = refused(() -> files.copyOut(".", in, (done, total) -> {}));
    assertEquals("in the guest: '.' is a directory, not an ordinary file", folderAsked);
    assertEquals("text", Files.readString(in), "the target is as it was");
    Path nowhere = host.resolve("no/where");
    Files.writeString(guest.resolve("f"), "f");
    assertEquals(
        "'" + nowhere + "' cannot be written: there is no such folder",
        refused(() -> files.copyOut("f", nowhere, (done, total) -> {})));
    String inside = refused(() -> files.copyIn(in, "no/where", (done, total) -> {}));
    assertTrue(inside.startsWith("in the guest: ") && inside.contains("no/where"), inside);
    assertTrue(
        refused(() -> files.copyIn(host.resolve("none"), "x", (done, total) -> {}))
            .startsWith("there is no file '"));
    assertTrue(
        refused(() -> files.copyIn(host, "x", (done, total) -> {})).contains("no ordinary file"));
    assertEquals(
        "a file in the guest has to be named",
        refused(() -> files.copyIn(in, "", (done, total) -> {})));
    assertEquals(List.of("f"), names(guest));
    assertEquals(List.of("in.txt"), names(host));
  }

  @Test
  void aCancelledCopyLeavesNothing() throws Exception {
    Path in = host.resolve("in");
    Files.write(in, bytes(200_000));
    assertEquals(
        "cancelled", refused(() -> files.copyIn(in, "x", (done, total) -> cancelled = true)));
    cancelled = false;
    assertEquals(List.of(), names(guest));
    Files.write(guest.resolve("big"), bytes(200_000));
    Path out = host.resolve("out");
    assertEquals(
        "cancelled", refused(() -> files.copyOut("big", out, (done, total) -> cancelled = true)));
    assertFalse(Files.exists(out));
    assertEquals(List.of("in"), names(host));
    assertEquals(0, shell.jobs());
  }

  @Test
  void aGuestThatGoesAwayEndsIt() throws Exception {
    Path in = host.resolve("in");
    Files.write(in, bytes(200_000));
    shell.most = 3;
    assertEquals(
        "the command was lost: the guest stopped or was reset",
        refused(() -> files.copyIn(in, "x", (done, total) -> {})));
  }

  @Test
  void commandsTellTheirStatusAndOutput() throws Exception {
    GuestCommand commands = new GuestCommand(shell, () -> false);
    GuestCommand.Ended ended = commands.run("echo one; echo two >&2; exit 3", Duration.ZERO);
    assertEquals(3, ended.status());
    assertEquals("one\ntwo\n", ended.output());
    assertEquals("one; two", ended.line());
    String quoted = GuestCommand.quoted("a'b\n$c");
    assertEquals("a'b\n$c", commands.run("printf %s " + quoted, Duration.ZERO).output());
  }
}
