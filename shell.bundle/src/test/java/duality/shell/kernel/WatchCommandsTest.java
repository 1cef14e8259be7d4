package duality.shell.kernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.EndpointReport;
import duality.kernel.TraceEvent.Kind;
import duality.shell.command.Arguments;
import duality.shell.command.Cancellation;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.Invocation;
import duality.shell.command.Screen;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WatchCommandsTest {
  private final FakeKernel kernel = new FakeKernel();
  private final Cancellation cancellation = new Cancellation();
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private Screen screen = Screen.NONE;

  private static final CommandSession SESSION =
      (CommandSession)
          Proxy.newProxyInstance(
              CommandSession.class.getClassLoader(),
              new Class<?>[] {CommandSession.class},
              (proxy, method, arguments) -> null);

  private @Nullable Object run(String name, String... words) throws Exception {
    PrintStream out = new PrintStream(written, true, UTF_8);
    Command command =
        new WatchCommands(kernel)
            .commands().stream()
                .filter(each -> each.syntax().function().equals(name))
                .findFirst()
                .orElseThrow();
    return command
        .action()
        .run(
            new Invocation(
                Arguments.parse(command.syntax(), List.of(words)),
                SESSION,
                InputStream.nullInputStream(),
                out,
                out,
                screen,
                false,
                false,
                cancellation));
  }

  @Test
  void theTraceIsFollowedUntilCancelled() throws Exception {
    kernel.event(Kind.NOTE, "", "first");
    kernel.event(Kind.NOTE, "", "second");
    kernel.whenWaited =
        () -> {
          if (kernel.events.size() == 2) {
            kernel.event(Kind.FAILED, "x", "third");
          } else {
            cancellation.cancel();
          }
        };
    run("trace", "-f", "--last", "1");
    assertEquals(
        "1970-01-01T00:00:00Z  second\n1970-01-01T00:00:00Z  third\n", written.toString(UTF_8));
  }

  @Test
  void whatTheFollowerWasTooSlowForIsSaid() throws Exception {
    kernel.event(Kind.NOTE, "", "first");
    kernel.whenWaited =
        () -> {
          if (kernel.events.size() > 1) {
            cancellation.cancel();
            return;
          }
          for (int i = 0; i < 5; i++) {
            kernel.event(Kind.NOTE, "", "event " + i);
          }
          kernel.events.subList(0, 4).clear();
        };
    run("trace", "-f");
    assertTrue(
        written.toString(UTF_8).contains("(3 events were too many to keep)"), written::toString);
  }

  @Test
  void topWritesBlocksWhenNobodyWatches() throws Exception {
    kernel.endpoints.add(new EndpointReport("root", "Root", "root", "open", 1, 0, 0, 0, 0, 0));
    run("top", "--count", "2", "--interval", "50ms", "--all");
    String text = written.toString(UTF_8);
    assertEquals(2, text.lines().filter(line -> line.startsWith("endpoint ")).count(), text);
    assertTrue(text.contains("\n\nguests "), text);
    assertEquals(-1, text.indexOf('\033'), "plain text");
  }

  @Test
  void topRedrawsInPlaceUntilAKey() throws Exception {
    Deque<Integer> keys = new ArrayDeque<>(List.of(Screen.Keyboard.NONE, (int) ' ', (int) 'q'));
    screen = new Keys(keys);
    kernel.endpoints.add(new EndpointReport("root", "Root", "root", "open", 1, 0, 0, 0, 0, 0));
    run("top", "--all");
    String text = written.toString(UTF_8);
    assertEquals(4, text.split("endpoint ", -1).length + 1, text);
    assertTrue(text.contains("\033[4A\r\033[J"), "up over the block of four lines: " + text);
    assertEquals(List.of(), List.copyOf(keys));
  }

  @Test
  void anIntervalThatIsNoneIsRefused() {
    CommandFailed refused =
        assertThrows(CommandFailed.class, () -> run("top", "--interval", "1us"));
    assertTrue(refused.getMessage().contains("at least 50ms"), refused::getMessage);
  }

  /** A terminal whose keys are known beforehand. */
  private record Keys(Deque<Integer> keys) implements Screen, Screen.Keyboard {
    @Override
    public boolean interactive() {
      return true;
    }

    @Override
    public int width() {
      return 80;
    }

    @Override
    public int height() {
      return 24;
    }

    @Override
    public Keyboard raw() {
      return this;
    }

    @Override
    public int read(long timeoutMillis) {
      return keys.removeFirst();
    }

    @Override
    public void close() {}
  }
}
