package duality.shell.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.jline.reader.Candidate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompletionTest {
  @TempDir Path folder;

  private final Names names =
      new Names() {
        @Override
        public Collection<String> machines() {
          return List.of("a", "b");
        }

        @Override
        public Collection<String> guestFiles(String machine, String folder) {
          return machine.equals("a") && folder.equals("/etc/")
              ? List.of("./", "../", ".hidden", "apt/", "os-release")
              : List.of();
        }

        @Override
        public Collection<String> tasks() {
          return List.of("1");
        }

        @Override
        public Collection<String> networks() {
          return List.of("lan");
        }

        @Override
        public Collection<String> images() {
          return List.of("linux", "nano");
        }

        @Override
        public Collection<String> endpoints() {
          return List.of("scheduler", "vm/a");
        }

        @Override
        public Collection<String> servers(String endpoint) {
          return endpoint.equals("scheduler") ? List.of("scheduler.fair") : List.of("all");
        }

        @Override
        public Collection<String> bundles() {
          return List.of("duality.plic", "duality.uart");
        }

        @Override
        public Collection<String> commands() {
          return List.of("vm:run", "vm:wait", "kernel:swap", "vm:exec", "felix:lb");
        }

        @Override
        public List<Syntax> syntaxes() {
          return List.of(
              Syntax.of("vm", "run", "Runs.")
                  .takes("IMAGE", Kind.IMAGE, "image")
                  .option("--name", Kind.NEW_NAME, "name")
                  .repeated("--net", Kind.NETWORK, "network")
                  .repeated("--disk", Kind.FILE, "disk"),
              Syntax.of("vm", "wait", "Waits.")
                  .takes("NAME", Kind.MACHINE, "machine")
                  .choice("--for", "what", "ready", "stopped"),
              Syntax.of("vm", "exec", "Executes.")
                  .takes("NAME", Kind.MACHINE, "machine")
                  .option("--timeout", Kind.TIME, "time")
                  .takesRest("COMMAND", Kind.TEXT, "command", false),
              Syntax.of("vm", "copy", "Copies.")
                  .takes("FROM", Kind.GUEST_FILE, "from")
                  .takes("TO", Kind.GUEST_FILE, "to"),
              Syntax.of("kernel", "swap", "Swaps.")
                  .takes("ENDPOINT", Kind.ENDPOINT, "endpoint")
                  .takes("SERVER", Kind.SERVER, "server")
                  .takesRest("MORE", Kind.MOVES, "more", true),
              Syntax.of("kernel", "update", "Updates.")
                  .takes("BUNDLE", Kind.BUNDLE, "bundle")
                  .takes("FILE", Kind.FILE, "file"));
        }
      };

  private List<String> offered(String line) {
    return new Completion(names, () -> folder)
        .candidates(new CommandLine(line, line.length())).stream()
            .map(Candidate::value)
            .sorted()
            .toList();
  }

  @Test
  void commandsAreOfferedFirst() {
    assertEquals(
        List.of(
            "felix:lb", "kernel:swap", "kernel:update", "vm:copy", "vm:exec", "vm:run", "vm:wait"),
        offered(""));
    assertTrue(offered("ru").contains("run"));
    assertFalse(offered("vm:").contains("run"));
  }

  @Test
  void namesFollowTheCommandsSyntax() {
    assertEquals(List.of("linux", "nano"), offered("vm:run "));
    assertEquals(List.of("a", "b"), offered("vm:wait "));
    assertEquals(List.of("a", "b"), offered("vm:run nano; wait "));
    assertEquals(List.of("scheduler", "vm/a"), offered("kernel:swap "));
    assertEquals(List.of("scheduler.fair"), offered("kernel:swap scheduler "));
  }

  @Test
  void endpointsAndServersAreOfferedInTurn() {
    assertEquals(List.of("scheduler", "vm/a"), offered("kernel:swap scheduler scheduler.fair "));
    assertEquals(List.of("all"), offered("kernel:swap scheduler scheduler.fair vm/a "));
    assertEquals(List.of("duality.plic", "duality.uart"), offered("kernel:update "));
  }

  @Test
  void optionsAreOfferedAndTheirValues() {
    assertEquals(List.of("--disk", "--help", "--name", "--net"), offered("vm:run linux -"));
    assertEquals(List.of("--disk", "--help", "--net"), offered("vm:run linux --name a -"));
    assertEquals(
        List.of("--disk", "--help", "--name", "--net"),
        offered("vm:run linux --disk x -"),
        "repeated");
    assertEquals(List.of("ready", "stopped"), offered("vm:wait a --for "));
    assertEquals(List.of("lan"), offered("vm:run linux --net "));
    assertEquals(List.of("linux", "nano"), offered("vm:run --name a "));
    assertEquals(List.of("--disk", "--help", "--name", "--net"), offered("vm:run linux "));
  }

  @Test
  void filesAreOfferedWhereFilesBelong() throws IOException {
    Files.createFile(folder.resolve("disk.img"));
    Files.createFile(folder.resolve(".hidden"));
    Files.createDirectory(folder.resolve("sub"));
    Files.createFile(folder.resolve("sub/other"));
    assertEquals(List.of("disk.img", "sub/"), offered("vm:run linux --disk "));
    assertEquals(List.of("sub/other"), offered("vm:run linux --disk sub/"));
    assertEquals(List.of(), offered("vm:run linux --disk none/"));
    assertTrue(offered("vm:run linux --disk .").contains(".hidden"));
  }

  @Test
  void inTheRestNothingOfOursIsOffered() {
    assertEquals(List.of(), offered("vm:exec a ls -"));
    assertEquals(List.of("--help", "--timeout"), offered("vm:exec a -"));
  }

  @Test
  void filesOfGuestsAreOfferedBehindTheirNames() throws IOException {
    Files.createFile(folder.resolve("in.txt"));
    assertEquals(List.of("a:", "b:", "in.txt"), offered("vm:copy "));
    assertEquals(List.of("a:/etc/apt/", "a:/etc/os-release"), offered("vm:copy in.txt a:/etc/"));
    assertEquals(List.of("a:/etc/.hidden"), offered("vm:copy in.txt a:/etc/.").subList(0, 1));
    assertEquals(List.of(), offered("vm:copy in.txt a:/none/"));
    assertEquals(List.of(), offered("vm:copy nobody:/etc/"));
  }
}
