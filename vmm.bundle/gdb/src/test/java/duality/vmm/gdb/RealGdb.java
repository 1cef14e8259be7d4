package duality.vmm.gdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * A {@code gdb-multiarch} that is told commands, one after the other, and what it says to them. For
 * the tests in the container, too.
 */
public final class RealGdb implements AutoCloseable {
  private static final String PROGRAM = "gdb-multiarch";
  private static final long SECONDS = 120;

  /** Whether failures are to show each packet, too. */
  private static final boolean PACKETS = System.getenv("DUALITY_GDB_PACKETS") != null;

  private final Process process;
  private final OutputStream in;

  /** All that it said; guarded by itself. */
  private final StringBuilder said = new StringBuilder();

  private final Thread reader;
  private int read;
  private int commands;

  /** Starts one; where there is none the test says so and is skipped. */
  public RealGdb(String... arguments) throws IOException {
    String[] command = new String[arguments.length + 3];
    command[0] = PROGRAM;
    command[1] = "-nx";
    command[2] = "-quiet";
    System.arraycopy(arguments, 0, command, 3, arguments.length);
    Process started;
    try {
      started = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException missing) {
      Assumptions.abort(PROGRAM + " is not installed: what it makes of the stub is not tested");
      throw missing;
    }
    process = started;
    in = process.getOutputStream();
    reader = Thread.ofPlatform().daemon().name("gdb says").start(this::listen);
    ask("maintenance set internal-error corefile no");
    ask("maintenance set internal-error quit yes");
    ask("set confirm off");
    ask("set pagination off");
    ask("set width 0");
    ask("set style enabled off");
    ask("set tcp connect-timeout 60");
    ask("set remotetimeout 60");
    ask("set architecture riscv:rv64");
    if (PACKETS) {
      ask("set debug remote 1");
    }
  }

  private void listen() {
    try (InputStream out = process.getInputStream()) {
      byte[] bytes = new byte[8192];
      for (int count = out.read(bytes); count >= 0; count = out.read(bytes)) {
        synchronized (said) {
          said.append(new String(bytes, 0, count, UTF_8));
          said.notifyAll();
        }
      }
    } catch (IOException e) {
      // It has ended.
    }
  }

  /** Says a command whose end is not awaited. */
  public void say(String command) throws IOException {
    in.write((command + "\n").getBytes(UTF_8));
    in.flush();
  }

  /** Says a command and answers what it printed. */
  public String ask(String command) throws IOException {
    say(command);
    return answer(command);
  }

  /** Waits for the end of a command that was said; what was printed until then. */
  public String answer(String command) throws IOException {
    String mark = "<" + ++commands + ">";
    say("echo " + mark + "\\n");
    return until(mark, command);
  }

  /** Waits for a text; what was printed up to it, without prompts. */
  String until(String text, String why) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    synchronized (said) {
      int at;
      while ((at = said.indexOf(text, read)) < 0) {
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left <= 0 || !process.isAlive() && !reader.isAlive()) {
          String heard = said.substring(PACKETS ? 0 : read);
          throw new AssertionError("no '" + text + "' after '" + why + "', but:\n" + heard);
        }
        try {
          said.wait(Math.min(left, 200));
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
      String answer = said.substring(read, at);
      read = at + text.length();
      return answer.replace("(gdb) ", "").strip();
    }
  }

  /** A number that an expression stands for. */
  public long value(String expression) throws IOException {
    String answer = ask("output/x " + expression);
    return Long.parseUnsignedLong(answer.substring(answer.lastIndexOf("0x") + 2).strip(), 16);
  }

  /** Ctrl-C. */
  public void interrupt() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
  }

  /** Ends it without a good-bye. */
  public void kill() {
    process.destroyForcibly();
  }

  @Override
  public void close() throws IOException {
    try {
      if (process.isAlive()) {
        say("quit");
      }
      process.waitFor(20, TimeUnit.SECONDS);
    } catch (IOException e) {
      // It is gone already.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.destroyForcibly();
    }
  }
}
