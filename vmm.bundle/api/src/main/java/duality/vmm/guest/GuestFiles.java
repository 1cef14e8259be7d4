package duality.vmm.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.vmm.GuestAgent;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serial;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Copies files into a guest and out of it, by commands of its shell: {@code stat}, {@code cat},
 * {@code dd}, {@code chmod} and {@code mv} have to be there. A file is written under another name
 * beside its place and renamed when it is whole, so nobody sees a half. The permission bits are
 * kept; owner and times are not. What is in memory of a file is a piece, however big it is.
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

  /** Of a file that goes in with one command: both fit into what an agent takes. */
  private static final int PIECE = 57_344;

  /**
   * Of a file that comes out in one command, in blocks of {@link #BLOCK}: less than an agent keeps,
   * so that a command is not killed because its output is read too slowly.
   */
  private static final int BLOCKS = 128;

  private static final int BLOCK = 1 << 16;

  /**
   * How much longer than its size a file may be that comes out: those of {@code /proc} have size 0.
   * A guest that never ends a file would fill the host's disk.
   */
  private static final long BEYOND = GuestAgent.KEPT_BYTES;

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String PART = ".duality-part";
  private static final Pattern STAT = Pattern.compile("([0-7]{1,5}) ([0-9]{1,18}) (.*)");

  /** Free blocks and their bytes of a file system that has any. */
  private static final Pattern ROOM = Pattern.compile("([0-9]{1,15}) ([0-9]{1,7}) [1-9][0-9]*");

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
        long free = Files.getFileStore(part).getUsableSpace();
        if (total > free) {
          throw new GuestFailed(
              "no space left for "
                  + total
                  + " bytes beside '"
                  + target
                  + "', "
                  + free
                  + " are free; name another folder");
        }
        Counted counted = new Counted(out, total, progress);
        if (total > (long) BLOCKS * BLOCK) {
          inPieces(source, counted);
        } else {
          read(source, "exec cat " + GuestCommand.quoted(source), counted);
        }
      }
      Files.setPosixFilePermissions(part, permissions(Integer.parseInt(parts.group(1), 8)));
      Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      return target;
    } catch (TooLong e) {
      throw new GuestFailed(
          "in the guest: '"
              + from
              + "' goes on after the "
              + total
              + " bytes of its size; nothing was kept. Copy a part that ends: head -c there");
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

  private void read(String source, String command, Counted out) throws GuestFailed, IOException {
    if (commands.run(command + " 2>/dev/null", Duration.ZERO, out) != 0) {
      throw new GuestFailed("in the guest: '" + source + "' cannot be read");
    }
  }

  private void inPieces(String source, Counted out) throws GuestFailed, IOException {
    String quoted = GuestCommand.quoted(source);
    String version = "stat -L -c '%i %s %Y' " + quoted + " 2>&1";
    String before = commands.run(version, LIMIT).output();
    long end;
    do {
      end = out.done + (long) BLOCKS * BLOCK;
      String blocks = " bs=" + BLOCK + " count=" + BLOCKS + " skip=" + out.done / BLOCK;
      read(source, "exec dd if=" + quoted + blocks, out);
    } while (out.done == end);
    if (out.done < out.total || !commands.run(version, LIMIT).output().equals(before)) {
      throw new GuestFailed("in the guest: '" + source + "' was changed while it was copied");
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
                + "\"; } 2>&1 && printf '%s;%s' \"$(stat -f -c '%f %S %b' \"$t"
                + PART
                + "\" 2>/dev/null)\" \"$t\"",
            LIMIT);
    if (begun.status() != 0) {
      throw new GuestFailed("in the guest: " + begun.line());
    }
    String[] place = begun.output().split(";", 2);
    String target = place[1];
    String part = GuestCommand.quoted(target + PART);
    boolean whole = false;
    try (InputStream in = Files.newInputStream(from)) {
      String mode = Integer.toOctalString(mode(Files.getPosixFilePermissions(from)));
      long total = Files.size(from);
      fits(total, place[0]);
      long done = 0;
      byte[] piece = in.readNBytes(PIECE);
      while (piece.length > 0) {
        String bytes = new String(piece, ISO_8859_1);
        succeeded(commands.feed("exec cat 2>&1 >> " + part, bytes, LIMIT));
        done += piece.length;
        progress.moved(done, Math.max(done, total));
        piece = in.readNBytes(PIECE);
      }
      succeeded(
          commands.run(
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
                  + " 2>&1",
              LIMIT));
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

  /** Refuses what there is no room for, where the guest says how much there is. */
  private static void fits(long bytes, String room) throws GuestFailed {
    Matcher numbers = ROOM.matcher(room);
    if (numbers.matches()) {
      long free = Long.parseLong(numbers.group(1)) * Long.parseLong(numbers.group(2));
      if (bytes > free) {
        throw new GuestFailed(
            "in the guest: no space left for " + bytes + " bytes, " + free + " are free there");
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

  private static void succeeded(GuestCommand.Ended ended) throws GuestFailed {
    if (ended.status() != 0 || !ended.output().isBlank()) {
      String why = ended.line();
      throw new GuestFailed(
          "in the guest: " + (why.isEmpty() ? "a command ended with " + ended.status() : why));
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

  /** More comes out of the guest than can be meant. */
  private static final class TooLong extends IOException {
    @Serial private static final long serialVersionUID = 1L;
  }

  /** Counts what goes by, and ends what does not end. */
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
      if (done + length > total + BEYOND) {
        throw new TooLong();
      }
      out.write(from, offset, length);
      done += length;
      progress.moved(done, Math.max(done, total));
    }
  }
}
