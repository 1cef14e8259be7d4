package duality.vmm.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.vmm.GuestAgent;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** An agent whose guest is this host: commands are run by its own sh, as the protocol says. */
final class HostShell implements GuestAgent {
  private record Done(String command, String output, int status) {}

  private final Path folder;
  private final Map<Long, Done> jobs = new HashMap<>();
  private long newest;

  /** The last command that is not lost: then the guest goes away. */
  int most = Integer.MAX_VALUE;

  HostShell(Path folder) {
    this.folder = folder;
  }

  /** What comes before each command. */
  String before = "";

  /** The most that a command has said. */
  int longest;

  int jobs() {
    return jobs.size();
  }

  long started() {
    return newest;
  }

  @Override
  public boolean ready() {
    return true;
  }

  @Override
  public long start(String command, long timeoutMillis) {
    return feed(command, "", timeoutMillis);
  }

  @Override
  public long feed(String command, String input, long timeoutMillis) {
    if (command.length() + input.length() > 65_532) {
      throw new IllegalArgumentException("a command of " + command.length() + " characters");
    }
    newest++;
    try {
      Process process =
          new ProcessBuilder("sh", "-c", before + command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .start();
      try (OutputStream in = process.getOutputStream()) {
        in.write(input.getBytes(ISO_8859_1));
      } catch (IOException nobodyReadsIt) {
        // It has ended already.
      }
      String output = new String(process.getInputStream().readAllBytes(), ISO_8859_1);
      longest = Math.max(longest, output.length());
      jobs.put(newest, new Done(command, output, process.waitFor()));
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
    return newest;
  }

  @Override
  public String output(long job, long position, int size, long waitMillis) {
    String all = done(job).output();
    return all.substring((int) position, (int) Math.min(all.length(), position + size));
  }

  private Done done(long job) {
    Done done = jobs.get(job);
    if (done == null) {
      throw new AssertionError("there is no job " + job);
    }
    return done;
  }

  @Override
  public Job job(long job) {
    Done done = done(job);
    boolean lost = job > most;
    return new Job(
        job,
        done.command(),
        lost ? "lost" : "exited",
        lost ? -1 : done.status(),
        lost ? "the guest stopped or was reset" : "",
        done.output().length());
  }

  @Override
  public void kill(long job) {}

  @Override
  public void forget(long job) {
    jobs.remove(job);
  }

  @Override
  public void reset() {}
}
