package duality.guests.linux;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where this host gets Debian packages from, as its administrator told apt. Files are only read.
 *
 * <p>Both forms are understood, one-line {@code .list} and deb822 {@code .sources}, and lists of
 * mirrors ({@code mirror+file:}). Entries that are switched off or cannot be understood are passed
 * over, as they are no business of ours.
 *
 * <p><em>Source:</em> sources.list(5).
 */
final class AptSources {

  /** Releases of Debian by name; derived distributions use others. */
  private static final Set<String> SUITES =
      Set.of(
          "oldoldstable",
          "oldstable",
          "stable",
          "testing",
          "unstable",
          "sid",
          "buster",
          "bullseye",
          "bookworm",
          "trixie",
          "forky",
          "duke");

  private static final Set<String> SCHEMES = Set.of("http", "https", "file", "copy");

  /**
   * One archive that apt knows.
   *
   * @param uri its root
   * @param suite a name below {@code dists}
   * @param components parts of the archive, such as {@code main}
   * @param signedBy the keyring file that must have signed it, or empty
   */
  record Entry(URI uri, String suite, List<String> components, String signedBy) {

    /** Whether this is Debian's main archive, and not that of somebody else or of updates. */
    boolean isDebian() {
      String base = suite.replaceFirst("-(updates|proposed-updates|backports)$", "");
      if (!SUITES.contains(base) || !components.contains("main")) {
        return false;
      }
      List<String> segments = List.of((uri.getPath() == null ? "" : uri.getPath()).split("/"));
      if (segments.contains("debian-security")) {
        return false;
      }
      return segments.contains("debian") || signedBy.contains("debian-archive");
    }
  }

  private AptSources() {}

  /**
   * The roots of Debian's archive, best first, without repetition.
   *
   * @param etcApt apt's folder of settings, normally {@code /etc/apt}; need not exist
   */
  static List<URI> debianMirrors(Path etcApt) {
    Set<URI> mirrors = new LinkedHashSet<>();
    for (Entry entry : entries(etcApt)) {
      if (entry.isDebian()) {
        mirrors.add(entry.uri());
      }
    }
    return List.copyOf(mirrors);
  }

  /** Keyring files that entries of Debian's archive name. */
  static List<Path> debianKeyrings(Path etcApt) {
    return entries(etcApt).stream()
        .filter(entry -> entry.isDebian() && entry.signedBy().startsWith("/"))
        .map(entry -> Path.of(entry.signedBy()))
        .distinct()
        .toList();
  }

  /** All entries of binary packages, those of the main file first. */
  static List<Entry> entries(Path etcApt) {
    List<Path> files = new ArrayList<>(List.of(etcApt.resolve("sources.list")));
    Path folder = etcApt.resolve("sources.list.d");
    if (Files.isDirectory(folder)) {
      try (Stream<Path> parts = Files.list(folder)) {
        parts.sorted().forEach(files::add);
      } catch (IOException e) {
        // A folder that may not be listed is as good as none: other sources may still do.
      }
    }
    List<Entry> entries = new ArrayList<>();
    for (Path file : files) {
      try {
        if (file.toString().endsWith(".list")) {
          Files.readAllLines(file).forEach(line -> addLine(line, entries));
        } else if (file.toString().endsWith(".sources")) {
          for (Stanza stanza : Stanza.parse(Files.readAllLines(file))) {
            addStanza(stanza, entries);
          }
        }
      } catch (IOException e) {
        // Not there, not readable or not understood.
      }
    }
    return entries;
  }

  /** {@code deb [option=value ...] URI SUITE COMPONENT...}. */
  private static void addLine(String line, List<Entry> entries) {
    String text = line.replaceFirst("#.*", "").strip();
    if (!text.matches("deb\\s.*")) {
      return;
    }
    text = text.substring(3).strip();
    String signedBy = "";
    if (text.startsWith("[")) {
      int end = text.indexOf(']');
      if (end < 0) {
        return;
      }
      for (String option : text.substring(1, end).strip().split("\\s+", -1)) {
        if (option.toLowerCase(Locale.ROOT).startsWith("signed-by=")) {
          signedBy = option.substring("signed-by=".length());
        }
      }
      text = text.substring(end + 1).strip();
    }
    List<String> words = Arrays.asList(text.split("\\s+"));
    if (words.size() >= 3) {
      add(words.get(0), words.get(1), words.subList(2, words.size()), signedBy, entries);
    }
  }

  private static void addStanza(Stanza stanza, List<Entry> entries) {
    if (!stanza.words("Types").contains("deb")
        || stanza.get("Enabled").toLowerCase(Locale.ROOT).matches("no|false|off|0|without")) {
      return;
    }
    for (String uri : stanza.words("URIs")) {
      for (String suite : stanza.words("Suites")) {
        add(uri, suite, stanza.words("Components"), stanza.get("Signed-By"), entries);
      }
    }
  }

  private static void add(
      String uri, String suite, List<String> components, String signedBy, List<Entry> entries) {
    try {
      URI parsed = URI.create(uri);
      String scheme = parsed.getScheme() == null ? "" : parsed.getScheme();
      if (scheme.equals("mirror+file")) {
        for (String line : Files.readAllLines(Path.of(parsed.getPath()))) {
          String mirror = line.replaceFirst("#.*", "").strip().split("\\s+", 2)[0];
          if (!mirror.isEmpty()) {
            add(mirror, suite, components, signedBy, entries);
          }
        }
      } else if (SCHEMES.contains(scheme)) {
        entries.add(new Entry(parsed, suite, List.copyOf(components), signedBy));
      }
    } catch (IllegalArgumentException | IOException e) {
      // An address that Java cannot read, or a list of mirrors that is not there.
    }
  }
}
