package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.Swapper;
import duality.servers.TaskReport;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Programs in C with the C library of Linux, static, run here and by {@code qemu-riscv64}: the same
 * output and the same status. Needs {@code riscv64-linux-gnu-gcc} and {@code qemu-riscv64}; without
 * them the tests are skipped, but fail where the environment says {@code CI=true}.
 */
@Timeout(600)
class ProgramsTest {
  private static final Path SOURCES = Path.of("..", "..", "it", "src", "programs");

  @TempDir private static Path folder;
  private final TestSystem system = new TestSystem();

  @BeforeAll
  static void compile() throws Exception {
    need("riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu and libc6-dev-riscv64-cross");
    need("qemu-riscv64", "qemu-user");
    Result built = run(List.of("sh", SOURCES.resolve("build.sh").toString(), folder.toString()));
    assertEquals(0, built.status, built.output);
  }

  private static void need(String tool, String packages) {
    boolean there =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, tool)));
    if (!there) {
      String message = "no " + tool + " in PATH (Debian: " + packages + ")";
      if ("true".equals(System.getenv("CI"))) {
        fail(message);
      }
      abort(message);
    }
  }

  private record Result(int status, String output) {}

  private static Result run(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Path output = Files.createTempFile(folder, "output", "");
    builder.redirectOutput(output.toFile());
    java.lang.Process process = builder.start();
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      fail(command + " did not end within 120 s");
    }
    return new Result(process.exitValue(), Files.readString(output, StandardCharsets.ISO_8859_1));
  }

  @AfterEach
  void everythingIsGivenBack() {
    for (String path : system.root.paths(Personality.class)) {
      system.root.remove(path);
    }
    system.assertNothingLeaks();
    system.close();
  }

  private TaskReport sameAsQemu(String program, String... arguments) throws Exception {
    Path file = folder.resolve(program);
    List<String> command = new ArrayList<>(List.of("env", "-i", "qemu-riscv64", file.toString()));
    command.addAll(List.of(arguments));
    // env -i forgets PATH: it is needed to find the program only.
    command.set(2, which("qemu-riscv64"));
    Result expected = run(command);
    TaskReport report = TestSystem.run(system.task("1", file, arguments));
    assertEquals(expected.output, system.output("1"), report.toString());
    assertEquals(expected.status, report.status(), report.toString());
    assertEquals("", report.reason());
    system.root.remove("task/1");
    return report;
  }

  private static String which(String tool) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .map(directory -> Path.of(directory, tool))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow()
        .toString();
  }

  @Test
  void hello() throws Exception {
    TaskReport report = sameAsQemu("hello");
    assertTrue(report.calls() >= 10, "glibc starts with a dozen calls: " + report);
  }

  @Test
  void arguments() throws Exception {
    sameAsQemu("args");
    sameAsQemu("args", "one", "two words", "", "ä€");
  }

  @Test
  void pagesAreZeroWhenTheyAreTouchedFirst() throws Exception {
    sameAsQemu("faults");
    sameAsQemu("faults", "3");
    TaskReport report = sameAsQemu("faults", "1000");
    assertTrue(report.residentBytes() > 2000 * 4096L, report.toString());
  }

  @Test
  void clocks() throws Exception {
    sameAsQemu("clock");
  }

  @Test
  void processes() throws Exception {
    sameAsQemu("fork");
  }

  @Test
  void pipesAndFiles() throws Exception {
    sameAsQemu("pipes");
  }

  @Test
  void signals() throws Exception {
    sameAsQemu("signals");
  }

  @Test
  void wrongAddressesAndTooManyDescriptors() throws Exception {
    sameAsQemu("hostile");
  }

  @Test
  void aForkBombMeetsTheLimitAndIsGone() throws Exception {
    TaskReport report = TestSystem.run(system.task("1", folder.resolve("hostile"), "bomb"));
    assertEquals(
        "bomb: Resource temporarily unavailable, all gone: 1\nfork works again: 1\n",
        system.output("1"),
        report.toString());
    assertEquals(0, report.status());
    assertEquals(1, system.core.threads().size(), "threads of its processes are gone");
  }

  @Test
  void processesGoOnUnderAnotherPersonality() throws Exception {
    List<String> command =
        List.of("env", "-i", which("qemu-riscv64"), folder.resolve("pipes").toString());
    String expected = run(command).output;
    Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
    int swaps = 0;
    for (int round = 0; swaps < 100 || round < 3; round++) {
      Personality task = system.task("1", folder.resolve("pipes"));
      task.start();
      for (int i = 0; !task.await(1).ended(); i++) {
        String to = i % 2 == 0 ? "personality.next" : "personality.linux";
        assertEquals("done", swapper.swap("task/1", to).outcome());
        swaps++;
      }
      assertEquals(expected, system.output("1"), task.report() + " after " + swaps + " swaps");
      system.root.remove("task/1");
      assertTrue(round < 500, swaps + " swaps only");
    }
  }

  @Test
  void mappingsAreMadeLongerAndShorter() throws Exception {
    sameAsQemu("remap");
  }

  @Test
  void aProgramWorksInRoundsThatAreTyped() throws Exception {
    Path disk = Files.write(folder.resolve("rounds"), new byte[64 << 10]);
    Personality task =
        system.task(
            "1",
            folder.resolve("ops"),
            Map.of(
                "args", Personality.list(List.of("rounds", "/dev/vda")),
                "disk", disk.toString(),
                "memory", Long.toString(512L << 20), // it reserves 400 MB, and touches a few pages
                "terminal", "true"));
    task.start();
    Console console = system.core.kernel().connect("task/1/console", Console.class);
    for (String line : List.of("3", "40", "null 10")) {
      assertEquals(line.length() + 1, console.type(line + "\r"));
      String answer = line.startsWith("null") ? "null: 10 times" : "done " + line + " pages at";
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
      while (!system.output("1").contains(answer)) {
        assertTrue(
            System.nanoTime() - end < 0, () -> answer + " is missing: " + system.output("1"));
      }
    }
    console.type("\004");
    assertEquals(0, TestSystem.awaitEnd(task).status(), system.output("1"));
  }

  @Test
  void operationsAreMeasured() throws Exception {
    for (String each :
        List.of("null", "fault", "fork", "exec", "switch", "read", "write", "copy")) {
      TaskReport report = TestSystem.run(system.task("1", folder.resolve("ops"), each, "20"));
      assertTrue(
          system.output("1").matches(each + ": 20 times, [0-9]+ ns each\n"),
          system.output("1") + report);
      assertEquals(0, report.status(), report.toString());
      system.root.remove("task/1");
    }
  }

  @Test
  void aDiskIsReadAndWrittenOverSwaps() throws Exception {
    Path disk = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
    for (String each : List.of("write", "read")) {
      Personality task =
          system.task(
              "1",
              folder.resolve("ops"),
              Map.of(
                  "args",
                  Personality.list(List.of(each, "2000", "/dev/vda")),
                  "disk",
                  disk.toString()));
      task.start();
      for (int i = 0; !task.await(1).ended(); i++) {
        String to = i % 2 == 0 ? "personality.next" : "personality.linux";
        assertEquals("done", swapper.swap("task/1", to).outcome());
      }
      assertTrue(
          system.output("1").matches(each + ": 2000 times, [0-9]+ ns each\n"),
          system.output("1") + task.report() + system.core.trace());
      system.root.remove("task/1");
    }
    byte[] bytes = Files.readAllBytes(disk);
    for (int write = 2000 - 256; write < 2000; write++) {
      assertEquals((byte) write, bytes[write * 7 % 256 * 4096 + 4095], "write " + write);
    }
  }

  @Test
  void callsThatAreNotThere() throws Exception {
    TaskReport report = TestSystem.run(system.task("1", folder.resolve("enosys")));
    assertEquals("bpf: errno 38\nsystem call 4000: errno 38\n", system.output("1"));
    assertEquals(0, report.status());
    assertEquals(2, report.unserved());
  }

  @Test
  void severalAtOnce() throws Exception {
    List<Personality> tasks = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      tasks.add(system.task("n" + i, folder.resolve("faults"), "200"));
    }
    tasks.forEach(Personality::start);
    for (int i = 0; i < 6; i++) {
      assertEquals(0, TestSystem.awaitEnd(tasks.get(i)).status());
      assertTrue(system.output("n" + i).contains("all zero"), system.output("n" + i));
    }
  }
}
