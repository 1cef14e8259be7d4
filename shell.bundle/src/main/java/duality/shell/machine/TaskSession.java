package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.servers.Personality;
import duality.servers.TaskReport;
import duality.shell.command.CommandFailed;
import duality.shell.command.Invocation;
import duality.shell.command.Screen.Keyboard;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** A native program in front of a person, or in a script: its output, and the keys typed for it. */
final class TaskSession {
  private static final int LEAVE = 0x1d;
  private static final int CHUNK = 8192;
  private static final long POLL_MILLIS = 50;

  private final Invocation call;
  private final String name;
  private final Personality task;
  private final Console console;

  /** The person wants the prompt back, or the program has ended. */
  private volatile boolean left;

  TaskSession(Invocation call, String name, Personality task, Console console) {
    this.call = call;
    this.name = name;
    this.task = task;
    this.console = console;
  }

  /** Runs it until it has ended, or the person leaves it. */
  TaskReport run(boolean terminal) throws CommandFailed {
    if (!terminal) {
      task.start();
      return follow();
    }
    try (Keyboard keyboard = call.screen().raw()) {
      Thread typing = Thread.ofPlatform().daemon().name("type " + name).start(() -> type(keyboard));
      task.start();
      try {
        return follow();
      } finally {
        left = true;
        // It must not take the next key from the prompt.
        join(typing);
      }
    } catch (IOException e) {
      throw new CommandFailed("the terminal does not do it: " + e.getMessage());
    }
  }

  /** Passes the program's output on until it has ended and all of it was passed on. */
  private TaskReport follow() {
    long position = 0;
    boolean ended = false;
    boolean stopped = false;
    while (true) {
      String more = console.output(position, CHUNK, ended ? 0 : POLL_MILLIS);
      position = Math.max(position, console.oldest()) + more.length();
      byte[] bytes = more.getBytes(ISO_8859_1);
      call.out().write(bytes, 0, bytes.length);
      call.out().flush();
      if (!stopped && (call.cancellation().cancelled() || call.out().checkError())) {
        task.stop();
        stopped = true;
      }
      if (more.isEmpty()) {
        if (ended || left) {
          return task.report();
        }
        // One more look at the console follows, so that the program's last words are not lost.
        ended = task.await(0).ended();
      }
    }
  }

  private void type(Keyboard keyboard) {
    try {
      while (!left) {
        int key = keyboard.read(POLL_MILLIS);
        if (key == LEAVE || key == -1) {
          left = true;
        } else if (key != Keyboard.NONE) {
          String typed = String.valueOf((char) key);
          while (console.type(typed) == 0 && !left) {
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
          }
        }
      }
    } catch (IOException | InterruptedException | CallFailed e) {
      // Nothing more comes from there, or the program is no more.
    }
  }

  private static void join(Thread typing) {
    try {
      typing.join(10 * POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
