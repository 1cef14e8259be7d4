package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.servers.Personality;
import duality.shell.command.Cancellation;
import duality.shell.command.Command;
import duality.shell.command.CommandFunction;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The task: commands over the real Gogo and programs of cardboard. */
@Timeout(300)
class TaskCommandsTest {
  @TempDir Path folder;

  private final FakeSystem system = new FakeSystem();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final CommandProcessorImpl processor = new CommandProcessorImpl(new ThreadIOImpl());

  private CommandSession open(Optional<Path> busybox) {
    GuestImages images = new GuestImages();
    images.add(FakeSystem.image("linux", busybox));
    for (Command command : new TaskCommands(system, images).commands()) {
      processor.addCommand(
          command.syntax().scope(), new CommandFunction(command), command.syntax().function());
    }
    PrintStream stream = new PrintStream(out, true, ISO_8859_1);
    CommandSession made = processor.createSession(InputStream.nullInputStream(), stream, stream);
    made.put(Cancellation.FOREGROUND, new Cancellation.Foreground());
    made.put(CommandSession.OPTION_NO_GLOB, true);
    made.currentDir(folder);
    return made;
  }

  @AfterEach
  void close() {
    processor.stop();
  }

  @Test
  void busyboxIsTheOneThatCameWithLinux() throws Exception {
    Path busybox = Files.writeString(folder.resolve("cached"), "x");
    open(Optional.of(busybox)).execute("task:run --env A=b busybox sh -c 'exit 0'");
    Map<String, String> config = system.configs.get("task/1");
    assertEquals(busybox.toString(), config.get("file"));
    assertEquals(List.of("sh", "-c", "exit 0"), Personality.texts(config.get("args")));
    assertEquals(
        List.of("PATH=/bin", "HOME=/root", "A=b"), Personality.texts(config.get("environment")));
    assertNull(config.get("terminal"), "nobody is in front of it");
    assertTrue(out.toString(ISO_8859_1).contains("ran"), out.toString(ISO_8859_1));
  }

  @Test
  void busyboxThatIsNotThereIsSaidWithWhatToDo() {
    CommandSession session = open(Optional.empty());
    Exception refused = assertThrows(Exception.class, () -> session.execute("task:run busybox sh"));
    assertTrue(
        String.valueOf(refused.getMessage()).contains("guest:fetch linux"), () -> "" + refused);
  }

  @Test
  void theNucleusIsAnotherServerWithAProgramOfItsOwn() throws Exception {
    CommandSession session = open(Optional.empty());
    session.execute("task:run --personality rc4000 systems dummy 8");
    Map<String, String> config = system.configs.get("task/1");
    assertEquals("personality.rc4000", config.get("server"));
    assertEquals("systems", config.get("file"));
    assertEquals(List.of("dummy", "8"), Personality.texts(config.get("args")));
    Path own = Files.writeString(folder.resolve("systems"), "x");
    session.execute("task:run --personality rc4000 systems");
    assertEquals(own.toString(), system.configs.get("task/2").get("file"), "a file of that name");
    session.execute("task:run --personality linux systems");
    assertNull(system.configs.get("task/3").get("server"));
    for (String wrong :
        new String[] {
          "--personality mach systems",
          "--personality rc4000 missing",
          "--personality rc4000 --env A=b systems",
          "--personality rc4000 --disk systems systems"
        }) {
      assertThrows(Exception.class, () -> session.execute("task:run " + wrong), wrong);
    }
  }

  @Test
  void aDiskIsCheckedAndHandedOn() throws Exception {
    Files.writeString(folder.resolve("program"), "x");
    Files.writeString(folder.resolve("disk"), "x");
    CommandSession session = open(Optional.empty());
    session.execute("task:run --disk disk,ro program");
    assertEquals(folder.resolve("disk").toString(), system.configs.get("task/1").get("disk"));
    assertEquals("true", system.configs.get("task/1").get("readonly"));
    assertThrows(Exception.class, () -> session.execute("task:run --disk missing program"));
    assertThrows(
        Exception.class, () -> session.execute("task:run --disk disk --disk disk program"));
  }
}
