package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.shell.command.CommandFailed;
import duality.shell.command.Invocation;
import duality.shell.command.Notice;
import duality.shell.command.Screen.Keyboard;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Keyboard and screen, or input and output of a script, connected to a machine's console. */
final class Attachment {
  private static final int DETACH = 0x1d;
  private static final int CHUNK = 8192;
  private static final long RECENT_BYTES = 4096;
  private static final long POLL_MILLIS = 50;

  private final Invocation call;
  private final String name;
  private final VirtualMachine machine;
  private final Console console;
  private final long end;
  private volatile boolean detached;

  /** It came to its end. */
  record Detached(String name, String state) implements Notice {
    @Override
    public String line() {
      return state.equals("running")
          ? "detached; " + name + " goes on"
          : "detached; " + name + " is " + state;
    }
  }

  Attachment(Invocation call, String name, VirtualMachine machine, Console console) {
    this.call = call;
    this.name = name;
    this.machine = machine;
    this.console = console;
    long most =
        call.arguments().time("--timeout").map(Duration::toNanos).orElse(Long.MAX_VALUE / 2);
    this.end = System.nanoTime() + most;
  }

  /** Stays connected until the person detaches, the machine stops, or the time is over. */
  Detached run() throws CommandFailed {
    if (call.screen().interactive() && !call.piped() && !call.fed()) {
      try (Keyboard keyboard = call.screen().raw()) {
        call.out().print("attached to " + name + ", Ctrl-] detaches\r\n");
        Thread typing = startTyping(() -> type(keyboard));
        show(replay());
        call.out().print("\r\n");
        // It must not take the next key from the prompt.
        join(typing);
      } catch (IOException e) {
        throw new CommandFailed("the terminal does not do it: " + e.getMessage());
      }
    } else {
      if (call.fed()) {
        startTyping(() -> type(call.in()));
      } else if (Boolean.TRUE.equals(call.session().get(Invocation.FREE_INPUT))) {
        startTyping(() -> typeAvailable(call.session().getKeyboard()));
      }
      show(console.oldest());
    }
    return new Detached(name, machine.report().state());
  }

  /**
   * Shows a little of what was written already, from the start of a line; answers where it ends.
   */
  private long replay() {
    long from = recent();
    String bytes = console.output(from, CHUNK, 0);
    print(ConsoleText.again(bytes));
    return from + bytes.length();
  }

  private long recent() {
    long oldest = console.oldest();
    long from = Math.max(oldest, console.position() - RECENT_BYTES);
    if (from > oldest) {
      from += console.output(from, CHUNK, 0).indexOf('\n') + 1;
    }
    return from;
  }

  private void show(long from) {
    long position = from;
    boolean over = false;
    while (!detached && !call.cancellation().cancelled() && System.nanoTime() < end) {
      String more = console.output(position, CHUNK, POLL_MILLIS);
      if (more.isEmpty() && over) {
        break;
      }
      position = Math.max(position, console.oldest()) + more.length();
      print(more);
      if (call.out().checkError()) {
        break;
      }
      // Looked at before the last read, so that the guest's last words are not lost.
      over = more.isEmpty() && over();
    }
    // However it ended, the typing must end too, or it takes keys that are meant for the prompt.
    detached = true;
  }

  private void print(String text) {
    byte[] bytes = text.getBytes(ISO_8859_1);
    call.out().write(bytes, 0, bytes.length);
    call.out().flush();
  }

  private boolean over() {
    String state = machine.report().state();
    return state.equals("stopped") || state.startsWith("failed");
  }

  private interface Typing {
    void run() throws IOException, InterruptedException;
  }

  private static void join(Thread typing) {
    try {
      typing.join(10 * POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Thread startTyping(Typing typing) {
    return Thread.ofPlatform()
        .daemon()
        .name("type " + name)
        .start(
            () -> {
              try {
                typing.run();
              } catch (IOException | UncheckedIOException | InterruptedException | CallFailed e) {
                // Nothing more comes from there, or the machine is no more.
              }
            });
  }

  private void type(Keyboard keyboard) throws IOException, InterruptedException {
    while (!detached) {
      int key = keyboard.read(POLL_MILLIS);
      if (key == DETACH || key == -1) {
        detached = true;
      } else if (key != Keyboard.NONE) {
        type(new byte[] {(byte) key}, 1);
      }
    }
  }

  private void type(InputStream in) throws IOException, InterruptedException {
    byte[] bytes = new byte[CHUNK];
    for (int read = in.read(bytes); read >= 0 && !detached; read = in.read(bytes)) {
      type(bytes, read);
    }
  }

  /** As {@link #type(InputStream)}, without waiting in a read that would outlive this command. */
  private void typeAvailable(InputStream in) throws IOException, InterruptedException {
    byte[] bytes = new byte[CHUNK];
    while (!detached) {
      int there = in.available();
      if (there == 0) {
        TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        continue;
      }
      type(bytes, in.read(bytes, 0, Math.min(there, CHUNK)));
    }
  }

  private void type(byte[] bytes, int count) throws InterruptedException {
    String text = new String(bytes, 0, count, ISO_8859_1);
    int detach = text.indexOf(DETACH);
    String typed = detach < 0 ? text : text.substring(0, detach);
    while (!typed.isEmpty() && !detached) {
      typed = typed.substring(console.type(typed));
      if (!typed.isEmpty()) {
        TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      }
    }
    if (detach >= 0) {
      detached = true;
    }
  }
}
