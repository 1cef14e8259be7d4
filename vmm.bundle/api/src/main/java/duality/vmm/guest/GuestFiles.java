package duality.vmm.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.vmm.GuestAgent;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Copies files into a guest and out of it, by commands of its shell: {@code stat}, {@code cat},
 * {@code base64}, {@code chmod} and {@code mv} have to be there. A file is written under another
 * name beside its place and renamed when it is whole, so nobody sees a half. The permission bits
 * are kept; owner and times are not.
 *
 * <p><em>Concurrency:</em> any thread.
 */
public final class GuestFiles {
  /** Told how far a copy is. */
  @FunctionalInterface
  public interface Progress {
    /** So many bytes of so many are there; the total is 0 when nobody knows it. */
    void moved(long done, long total);
  }

  /** Of a file in one command: as base64 it fits into what an agent takes. */
  private static final int PIECE = 44_100;

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String PART = ".duality-part";
  private static final Pattern STAT = Pattern.compile("([0-7]+) ([0-9]+) (.*)");

  /** From the lowest bit of a mode on. */
  private static final List<PosixFilePermission> BITS =
      List.of(
          PosixFilePermission.OTHERS_EXECUTE,
          PosixFilePermission.OTHERS_WRITE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.GROUP_EXECUTE,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.OWNER_EXECUTE,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_READ);

  private final GuestCommand commands;
  private final GuestCommand cleaner;

  /**
   * With an agent that has said hello.
   *
   * @param cancelled asked ten times a second; true ends a copy, and nothing of it stays
   */
  public GuestFiles(GuestAgent agent, BooleanSupplier cancelled) {
    commands = new GuestCommand(agent, cancelled);
    cleaner = new GuestCommand(agent, () -> false);
  }

  /**
   * Copies a file out of the guest.
   *
   * @param from a regular file in the guest, or a link to one
   * @param to where to, replaced if it is there; into it when it is a folder
   * @return the file that was written
   * @throws GuestFailed saying what is wrong on which side
   */
  public Path copyOut(String from, Path to, Progress progress) throws GuestFailed {
    String source = guestPath(from);
    GuestCommand.Ended stat =
        commands.run("stat -L -c '%a %s %F' " + GuestCommand.quoted(source) + " 2>&1", LIMIT);
    Matcher parts = STAT.matcher(stat.output().strip());
    if (stat.status() != 0 || !parts.matches()) {
      throw new GuestFailed("in the guest: " + stat.line());
    }
    if (!parts.group(3).startsWith("regular")) {
      throw new GuestFailed(
          "in the guest: '" + from + "' is a " + parts.group(3) + ", not an ordinary file");
    }
    long total = Long.parseLong(parts.group(2));
    Path target = Files.isDirectory(to) ? to.resolve(lastName(source)) : to;
    Path part = target.resolveSibling(target.getFileName() + PART);
    try {
      try (OutputStream out = Files.newOutputStream(part)) {
        int status =
            commands.run(
                "exec cat " + GuestCommand.quoted(source) + " 2>/dev/null",
                Duration.ZERO,
                new Counted(out, total, progress));
        if (status != 0) {
          throw new GuestFailed("in the guest: '" + from + "' cannot be read");
        }
      }
      Files.setPosixFilePermissions(part, permissions(Integer.parseInt(parts.group(1), 8)));
      Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      return target;
    } catch (IOException e) {
      throw new GuestFailed("'" + target + "' cannot be written: " + reason(e));
    } finally {
      try {
        Files.deleteIfExists(part);
      } catch (IOException e) {
        // It could not be written either.
      }
    }
  }

  /**
   * Copies a file into the guest.
   *
   * @param from an ordinary file
   * @param to where to in the guest, replaced if it is there; into it when it is a folder
   * @return the path in the guest that was written
   * @throws GuestFailed saying what is wrong on which side
   */
  public String copyIn(Path from, String to, Progress progress) throws GuestFailed {
    if (!Files.isRegularFile(from) || !Files.isReadable(from)) {
      throw new GuestFailed(
          Files.notExists(from)
              ? "there is no file '" + from + "'"
              : "'" + from + "' is no ordinary file that can be read");
    }
    GuestCommand.Ended begun =
        commands.run(
            "t="
                + GuestCommand.quoted(guestPath(to))
                + "; [ ! -d \"$t\" ] || t=\"${t%/}/\""
                + GuestCommand.quoted(String.valueOf(from.getFileName()))
                + "; { : > \"$t"
                + PART
                + "\"; } 2>&1 && printf '%s' \"$t\"",
            LIMIT);
    if (begun.status() != 0) {
      throw new GuestFailed("in the guest: " + begun.line());
    }
    String target = begun.output();
    String part = GuestCommand.quoted(target + PART);
    boolean whole = false;
    try (InputStream in = Files.newInputStream(from)) {
      String mode = Integer.toOctalString(mode(Files.getPosixFilePermissions(from)));
      long total = Files.size(from);
      long done = 0;
      byte[] piece = in.readNBytes(PIECE);
      while (piece.length > 0) {
        String text = new String(Base64.getEncoder().encode(piece), ISO_8859_1);
        ended("echo " + text + " | base64 -d 2>&1 >> " + part);
        done += piece.length;
        progress.moved(done, Math.max(done, total));
        piece = in.readNBytes(PIECE);
      }
      ended(
          "[ $(wc -c < "
              + part
              + ") -eq "
              + done
              + " ] || { echo 'not all of it arrived'; exit 1; }; chmod "
              + mode
              + " "
              + part
              + " 2>&1 && mv -f "
              + part
              + " "
              + GuestCommand.quoted(target)
              + " 2>&1");
      whole = true;
      return target;
    } catch (IOException e) {
      throw new GuestFailed("'" + from + "' cannot be read: " + reason(e));
    } finally {
      if (!whole) {
        remove(part);
      }
    }
  }

  private void remove(String part) {
    try {
      cleaner.run("rm -f " + part, LIMIT);
    } catch (GuestFailed e) {
      // The guest is gone, or ends; what failed before is what counts.
    }
  }

  private void ended(String command) throws GuestFailed {
    GuestCommand.Ended ended = commands.run(command, LIMIT);
    if (ended.status() != 0 || !ended.output().isBlank()) {
      throw new GuestFailed("in the guest: " + ended.line());
    }
  }

  /** A path that no command takes for an option. */
  private static String guestPath(String path) throws GuestFailed {
    if (path.isEmpty() || path.indexOf(0) >= 0) {
      throw new GuestFailed("a file in the guest has to be named");
    }
    return path.startsWith("-") ? "./" + path : path;
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static int mode(Set<PosixFilePermission> permissions) {
    int mode = 0;
    for (int i = 0; i < BITS.size(); i++) {
      mode |= permissions.contains(BITS.get(i)) ? 1 << i : 0;
    }
    return mode;
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (int i = 0; i < BITS.size(); i++) {
      if ((mode >>> i & 1) != 0) {
        permissions.add(BITS.get(i));
      }
    }
    return permissions;
  }

  private static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException missing -> "there is no such folder";
      case AccessDeniedException denied -> "not allowed";
      default -> String.valueOf(e.getMessage());
    };
  }

  /** Counts what goes by. */
  private static final class Counted extends OutputStream {
    private final OutputStream out;
    private final long total;
    private final Progress progress;
    private long done;

    Counted(OutputStream out, long total, Progress progress) {
      this.out = out;
      this.total = total;
      this.progress = progress;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      out.write(from, offset, length);
      done += length;
      progress.moved(done, Math.max(done, total));
    }
  }
}
