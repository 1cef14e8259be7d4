package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AptSourcesTest {

  @TempDir Path apt;

  @BeforeEach
  void folders() throws IOException {
    Files.createDirectory(apt.resolve("sources.list.d"));
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(apt.resolve(name), text);
  }

  private List<String> mirrors() {
    return AptSources.debianMirrors(apt).stream().map(URI::toString).toList();
  }

  @Test
  void oneLineEntriesAreRead() throws IOException {
    write(
        "sources.list",
        """
        # deb http://commented.example/debian bookworm main
        deb http://one.example/debian bookworm main contrib # with a remark
        deb-src http://source.example/debian bookworm main
        deb [arch=amd64 signed-by=/k.gpg] https://two.example/debian/ trixie main
        """);
    assertEquals(List.of("http://one.example/debian", "https://two.example/debian/"), mirrors());
    assertEquals(List.of(Path.of("/k.gpg")), AptSources.debianKeyrings(apt));
  }

  @Test
  void paragraphsAreRead() throws IOException {
    write(
        "sources.list.d/debian.sources",
        """
        Types: deb deb-src
        # snapshots would be http://commented.example/debian
        URIs: http://one.example/debian
          http://two.example/debian
        Suites: bookworm bookworm-updates
        Components: main
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

        Types: deb
        URIs: http://off.example/debian
        Suites: bookworm
        Components: main
        Enabled: no

        Types: deb
        URIs: http://three.example/debian-security
        Suites: bookworm-security
        Components: main
        """);
    assertEquals(List.of("http://one.example/debian", "http://two.example/debian"), mirrors());
  }

  @Test
  void otherPeoplesArchivesAreNotDebians() throws IOException {
    write(
        "sources.list",
        """
        deb http://ubuntu.example/ubuntu noble main
        deb http://browser.example/linux/deb stable main
        deb https://containers.example/linux/debian bookworm stable
        deb http://flat.example/debian ./
        deb http://sec.example/debian-security bookworm-security main
        deb cdrom:[Debian]/ bookworm main
        """);
    assertEquals(List.of(), mirrors());
  }

  @Test
  void anArchiveUnderAnotherPathIsDebiansWhenItsKeyIs() throws IOException {
    write(
        "sources.list",
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://a.example/x sid"
            + " main");
    assertEquals(List.of("http://a.example/x"), mirrors());
  }

  @Test
  void listsOfMirrorsAreFollowed() throws IOException {
    write("mirrors", "http://one.example/debian\tpriority:1\n# none\nhttp://two.example/debian\n");
    write("sources.list", "deb mirror+file:" + apt.resolve("mirrors") + "/debian bookworm main\n");
    assertEquals(List.of(), mirrors(), "the path of the list is wrong here");
    Files.createDirectory(apt.resolve("debian"));
    Files.move(apt.resolve("mirrors"), apt.resolve("debian/mirrors"));
    write("sources.list", "deb mirror+file:" + apt.resolve("debian/mirrors") + " bookworm main\n");
    assertEquals(List.of("http://one.example/debian", "http://two.example/debian"), mirrors());
  }

  @Test
  void nonsenseIsPassedOver() throws IOException {
    write("sources.list", "deb\ndeb [\ndeb http:// x\ndeb ht!tp://:x y z\n");
    write("sources.list.d/a.sources", " starts with a blank\n");
    write("sources.list.d/b.list", "deb http://one.example/debian bookworm main\n");
    write("sources.list.d/c.list.save", "deb http://old.example/debian bookworm main\n");
    assertEquals(List.of("http://one.example/debian"), mirrors());
  }

  @Test
  void aHostWithoutAptHasNoMirrors() {
    assertEquals(List.of(), AptSources.debianMirrors(apt.resolve("none")));
  }
}
