package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.TaskReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Debian's static busybox, which is there when {@code guest:fetch linux} was run once; without it
 * the tests are skipped.
 */
@Timeout(300)
class BusyboxTest {
  private static final long SECONDS = 120;

  private final TestSystem system = new TestSystem();
  private Path busybox;

  @BeforeEach
  void find() throws IOException {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path folder =
        (cache == null || cache.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(cache))
            .resolve("duality/linux");
    assumeTrue(Files.isDirectory(folder), "no " + folder);
    try (Stream<Path> files = Files.walk(folder, 3)) {
      busybox = files.filter(each -> each.endsWith("busybox")).findFirst().orElse(null);
    }
    assumeTrue(busybox != null, "no busybox in " + folder);
  }

  @AfterEach
  void everythingIsGivenBack() {
    for (String path : system.root.paths(Personality.class)) {
      system.root.remove(path);
    }
    system.assertNothingLeaks();
    system.close();
  }

  private void expect(String output, int status, String... arguments) {
    Personality task =
        system.task(
            "1",
            busybox,
            Map.of(
                "args",
                Personality.list(List.of(arguments)),
                "environment",
                Personality.list(List.of("PATH=/bin"))));
    TaskReport report = TestSystem.run(task);
    assertEquals(output, system.output("1"), report + " " + system.core.trace());
    assertEquals(status, report.status(), report.toString());
    system.root.remove("task/1");
  }

  private void shell(String output, int status, String script) {
    expect(output, status, "sh", "-c", script);
  }

  @Test
  void appletsRun() {
    expect("hello there\n", 0, "echo", "hello", "there");
    expect("", 1, "false");
    expect("bin\ndev\netc\nproc\nroot\ntmp\n", 0, "ls", "/");
  }

  @Test
  void aShellRunsScripts() {
    shell("hi\n", 0, "echo hi");
    shell("", 7, "exit 7");
    shell("3\n", 0, "echo hi | wc -c");
    shell("a\nb\n", 0, "printf 'b\\na\\n' > /tmp/x; sort < /tmp/x; rm /tmp/x; test ! -e /tmp/x");
    shell("1\n2\n3\ndone\n", 0, "for i in 1 2 3; do echo $i; done; (exit 3) || echo done");
    shell("8\n", 0, "seq 1 1000 | grep 7 | head -8 | wc -l");
    shell("sub: x\n", 0, "echo \"sub: $(echo x)\"");
    shell("waited 5\n", 0, "(sleep 0.05; exit 5) & wait $!; echo waited $?");
    // It says "Terminated" only when the child did not die before the shell came to wait for it.
    shell("143\n", 0, "sleep 100 & kill $!; wait $! 2>/dev/null; echo $?");
    shell("trapped\n", 0, "trap 'echo trapped' TERM; kill $$; true");
    shell("Segmentation fault\nok\n", 0, "sh -c 'kill -SEGV $$' ; test $? = 139 && echo ok");
  }

  @Test
  void processesAreListed() {
    shell(
        "busybox cat /proc/self/cmdline \n",
        0,
        "busybox cat /proc/self/cmdline | tr '\\0' ' '; echo");
    shell("1 (busybox) 0 1 1\n", 0, "cut -d' ' -f1,2,4-6 < /proc/1/stat");
    shell("gone\n", 0, "sleep 0 & wait; test -e /proc/$! || echo gone");
    shell("1\n", 0, "sleep 50 & ps | grep \"^ *$! \" | grep -c 'sleep 50'; kill $!");
    shell("MemTotal:\n", 0, "head -1 /proc/meminfo | cut -d' ' -f1");
  }

  @Test
  void filesAreKeptAndMoved() {
    shell(
        "dir/b\ntwo\n",
        0,
        "cd /tmp; mkdir dir; echo two > dir/a; mv dir/a dir/b; ln -s dir/b l; cat l > c; ls dir/*;"
            + " cat c; rm -r dir c l; rmdir /tmp");
    shell(
        "  65536 zeros\n",
        0,
        "dd if=/dev/zero of=/tmp/z bs=4096 count=16 2>/dev/null; printf '%7d zeros\\n"
            + "' $(wc -c < /tmp/z)");
  }

  @Test
  void aPersonTypesAtItsTerminal() {
    Personality task =
        system.task(
            "1",
            busybox,
            Map.of(
                "args", Personality.list(List.of("sh")),
                "environment", Personality.list(List.of("PATH=/bin", "PS1=% ")),
                "terminal", "true"));
    task.start();
    awaitOutput("% ");
    type("echo one; stty size\r", "\r\none\r\n24 80\r\n");
    type("echo go; sleep 100\r", "\ngo\r\n");
    type("\003", "^C");
    type("echo $?\r", "130\r\n");
    type("echo go; cat\r", "\ngo\r\n");
    type("line\r", "line\r\nline\r\n");
    type("\004", "% ");
    type("sleep 100 &\r", "% ");
    type("kill %1; wait; echo gone\r", "gone\r\n");
    type("exit 3\r", "exit 3\r\n");
    assertEquals(3, TestSystem.awaitEnd(task).status());
  }

  @Test
  void aShellThatWaitsIsRemoved() {
    Personality task =
        system.task(
            "1", busybox, Map.of("args", Personality.list(List.of("sh")), "terminal", "true"));
    task.start();
    awaitOutput("# ");
    system.root.remove("task/1");
  }

  private long seen;

  /** Types, and waits until that text comes after what was waited for before. */
  private void type(String keys, String answer) {
    console().type(keys);
    awaitOutput(answer);
  }

  private Console console() {
    return system.core.kernel().connect("task/1/console", Console.class);
  }

  private void awaitOutput(String text) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (true) {
      String all = system.output("1");
      int at = all.indexOf(text, (int) seen);
      if (at >= 0) {
        seen = at + text.length();
        return;
      }
      assertTrue(System.nanoTime() < deadline, () -> "'" + text + "' does not come after:\n" + all);
      console().output(all.length(), 1, 100);
    }
  }
}
