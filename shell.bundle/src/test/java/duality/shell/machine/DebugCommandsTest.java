package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandFunction;
import duality.shell.command.CommandGroup;
import duality.shell.command.Notice;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** vm:regs, vm:disasm, vm:trace and vm:copy over the real Gogo and a machine of cardboard. */
class DebugCommandsTest {
  @TempDir Path folder;

  private final FakeSystem system = new FakeSystem();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final CommandProcessorImpl processor = new CommandProcessorImpl(new ThreadIOImpl());
  private CommandSession session;

  @BeforeEach
  void open() throws Exception {
    GuestImages images = new GuestImages();
    images.add(FakeSystem.image("linux"));
    Machines machines = new Machines(system, images);
    for (CommandGroup group :
        List.of(
            new MachineCommands(machines, images),
            new DebugCommands(machines),
            new CopyCommands(machines))) {
      for (Command command : group.commands()) {
        processor.addCommand(
            command.syntax().scope(), new CommandFunction(command), command.syntax().function());
      }
    }
    PrintStream stream = new PrintStream(out, true, ISO_8859_1);
    session = processor.createSession(InputStream.nullInputStream(), stream, stream);
    session.put(CommandSession.OPTION_NO_GLOB, true);
    session.currentDir(folder);
    session.execute("vm:run linux --name a");
  }

  @AfterEach
  void close() {
    processor.stop();
  }

  private String refused(String line) {
    return String.valueOf(
        assertThrows(CommandFailed.class, () -> session.execute(line)).getMessage());
  }

  @Test
  void registersAreShown() throws Exception {
    String text = String.valueOf(session.execute("vm:regs a"));
    assertTrue(text.startsWith("hart 0 in S-mode, pc 0x0000000080000002\n"), text);
    assertTrue(text.contains("ra       0000000080000010  sp       0000000081000000"), text);
    assertTrue(text.contains("sstatus  0000000000000002"), text);
    assertTrue(!text.contains("mstatus") && !text.contains("ft0"), text);
    assertTrue(text.endsWith("its last trap to S-mode: call from U"), text);
    assertTrue(String.valueOf(session.execute("vm:regs a --floats")).contains("ft0"));
    assertEquals("vm:regs: there is no hart 1; there are 0 to 0", refused("vm:regs a --hart 1"));
    assertEquals("vm:regs: --hart x: a hart's number, or all", refused("vm:regs a --hart x"));
    assertTrue(refused("vm:regs b").contains("there is no machine 'b'"));
  }

  @Test
  void registersOfAllHartsAreShown() throws Exception {
    session.execute("vm:run linux --name c --cpus 3");
    String text = String.valueOf(session.execute("vm:regs c --hart all"));
    assertTrue(text.startsWith("hart 0 in S-mode"), text);
    assertTrue(text.contains("\n\nhart 1 in S-mode"), text);
    assertTrue(text.endsWith("\n\nhart 2 is not started"), text);
    assertEquals("running", system.states.get("vm/c"));
    session.execute("vm:pause c; vm:regs c --hart all");
    assertEquals("paused", system.states.get("vm/c"), "it stays as it was");
  }

  @Test
  void aMachineThatMeetsADebuggersStopMeanwhileIsLeftToTheDebugger() throws Exception {
    for (String look : List.of("vm:regs a --hart all", "vm:trace a 1")) {
      system.states.put("vm/a", "running");
      system.why = "breakpoint";
      session.execute(look);
      assertEquals("paused", system.states.get("vm/a"), look);
      system.states.put("vm/a", "running");
      system.why = "";
      session.execute(look);
      assertEquals("running", system.states.get("vm/a"), look);
    }
  }

  @Test
  void instructionsAreShown() throws Exception {
    String text = String.valueOf(session.execute("vm:disasm a 0x80000000 4"));
    assertEquals(
        """
           0x80000000  0001      nop
        => 0x80000002  0001      nop
           0x80000004  8082      ret
           0x80000006  ffffffff  .4byte 0xffffffff\
        """,
        text);
    assertEquals("=> 0x80000002  0001      nop", session.execute("vm:disasm a pc 1"));
    assertEquals("   0x80000004  8082      ret", session.execute("vm:disasm a pc+2 1"));
    assertEquals("   0x80000004  8082      ret", session.execute("vm:disasm a ra-0xc 1"));
    assertEquals("   0x80000004  8082      ret", session.execute("vm:disasm a stvec 1"));
    assertTrue(
        String.valueOf(session.execute("vm:disasm a 0x80000006 3"))
            .endsWith("\n   0x8000000a  no memory"));
    assertEquals("vm:disasm: there is no memory at 0x9000", refused("vm:disasm a 0x9000"));
    assertTrue(refused("vm:disasm a nowhere").contains("'nowhere' is no address"));
  }

  @Test
  void whatIsExecutedIsShownAndTheMachineGoesOn() throws Exception {
    session.execute("vm:trace a 3");
    assertEquals(
        """
        0x80000000  S  li a0,1                                  a0=0x1
        0x80000002  U  ecall
          -- call from U
          -- supervisor timer interrupt
        """,
        out.toString(ISO_8859_1));
    assertEquals("running", system.states.get("vm/a"));
    session.execute("vm:pause a; vm:trace a 1");
    assertEquals("paused", system.states.get("vm/a"));
    assertTrue(refused("vm:trace a 0").contains("COUNT 0 is not from 1"));
    session.execute("vm:stop a");
    assertTrue(refused("vm:trace a").contains("the machine is stopped, not paused"));
  }

  @Test
  void copiesNeedOneSideInAGuest() throws Exception {
    assertEquals(
        "vm:copy: neither 'x' nor 'y' is NAME:PATH, a file of a guest", refused("vm:copy x y"));
    assertTrue(refused("vm:copy a:x b:y").contains("copy it to the host first"));
    assertTrue(refused("vm:copy b:x y").contains("there is no machine 'b'"));
    assertTrue(refused("vm:copy none a:/tmp").contains("there is no file '"));
    system.agent.ready = false;
    assertTrue(refused("vm:copy a:x y").contains("is not up yet"));
    system.agent.ready = true;
    system.agent.output = "stat: can't stat '/x': No such file or directory\n";
    system.agent.status = 1;
    assertEquals(
        "vm:copy: in the guest: stat: can't stat '/x': No such file or directory",
        refused("vm:copy a:/x y"));
    assertTrue(Files.notExists(folder.resolve("y")));
  }

  @Test
  void debuggersAreLetInAndSentAway() throws Exception {
    assertEquals(
        "a: gdb-multiarch -ex 'target remote localhost:1234' attaches",
        ((Notice) session.execute("vm:gdb a")).line());
    assertTrue(refused("vm:gdb a 5000").contains("can attach to 'a' already, at port 1234"));
    session.execute("vm:gdb a --end");
    assertEquals("vm:gdb: no debugger could attach to 'a'", refused("vm:gdb a --end"));
    assertTrue(refused("vm:gdb a 22").contains("Permission denied"));
    assertEquals(0, system.stubs.size(), "what did not open leaves nothing");
    session.execute("vm:gdb a 5000; vm:delete a");
    assertEquals(0, system.stubs.size(), "it goes with its machine");
    assertTrue(refused("vm:gdb b").contains("there is no machine 'b'"));
  }
}
