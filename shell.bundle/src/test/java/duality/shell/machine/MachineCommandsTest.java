package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.shell.command.Cancellation;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandFunction;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Notice;
import duality.shell.command.Screen;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The vm: commands over the real Gogo and machines of cardboard. */
@Timeout(300)
class MachineCommandsTest {
  @TempDir Path folder;

  private final FakeSystem system = new FakeSystem();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final CommandProcessorImpl processor = new CommandProcessorImpl(new ThreadIOImpl());
  private final Cancellation.Foreground foreground = new Cancellation.Foreground();
  private CommandSession session;

  @BeforeEach
  void open() {
    GuestImages images = new GuestImages();
    images.add(FakeSystem.image("linux"));
    images.add(FakeSystem.image("nano"));
    Machines machines = new Machines(system, images);
    add(new MachineCommands(machines, images));
    add(new ConsoleCommands(machines));
    add(new NetworkCommands(system, machines));
    add(new GuestCommands(images));
    session = session(InputStream.nullInputStream());
  }

  private CommandSession session(InputStream in) {
    PrintStream stream = new PrintStream(out, true, ISO_8859_1);
    CommandSession made = processor.createSession(in, stream, stream);
    made.put(Cancellation.FOREGROUND, foreground);
    made.put(CommandSession.OPTION_NO_GLOB, true);
    made.currentDir(folder);
    return made;
  }

  private void add(CommandGroup group) {
    for (Command command : group.commands()) {
      processor.addCommand(
          command.syntax().scope(), new CommandFunction(command), command.syntax().function());
    }
  }

  @AfterEach
  void close() {
    processor.stop();
  }

  private Object run(String line) throws Exception {
    return session.execute(line);
  }

  private String notice(String line) throws Exception {
    return ((Notice) run(line)).line();
  }

  private String refused(String line) {
    return assertThrows(CommandFailed.class, () -> run(line)).getMessage();
  }

  @Test
  void aMachineIsMadeAsAsked() throws Exception {
    Files.writeString(folder.resolve("disk"), "some");
    Files.writeString(folder.resolve("cd"), "some");
    run("vm:run linux --name a --memory 128M --disk disk --disk cd,ro --append 'debug x=1'");
    var config = system.configs.get("vm/a");
    assertEquals("true", config.get("rng"));
    assertFalse(config.containsKey("net0"), "no network that nobody asked for");
    assertFalse(config.containsKey("legacy"), "devices are of VIRTIO 1.2");
    assertEquals("134217728", config.get("memory"));
    assertEquals("/images/linux", config.get("kernel"));
    assertEquals("quiet debug x=1", config.get("append"));
    assertEquals(folder.resolve("disk").toString(), config.get("disk0"));
    assertEquals(folder.resolve("cd") + ",ro", config.get("disk1"));
    assertEquals("running", system.states.get("vm/a"));
    run("vm:run linux --name old --legacy");
    assertEquals("true", system.configs.get("vm/old").get("legacy"));
  }

  @Test
  void cardsArePluggedIntoNetworksAsAskedAndListed() throws Exception {
    run("vm:run linux --name a --net lan --net dmz");
    assertEquals("lan", system.configs.get("vm/a").get("net0"));
    assertEquals("dmz", system.configs.get("vm/a").get("net1"));
    assertTrue(refused("vm:run linux --net 'a b'").contains("no name for a network"));
    assertTrue(refused("vm:run linux --net ../vm/a").contains("no name for a network"));
    String five = " --net lan".repeat(5);
    assertTrue(refused("vm:run linux" + five).contains("5 cards are more than the 4"));
    assertEquals(List.of(), run("vm:networks"));
    system.networks.put(
        "net/lan",
        List.of(card(MacAddress.text(MacAddress.of("a", 0)), 3), card("02:00:00:00:00:07", 4)));
    system.networks.put("net/dmz", List.of(card(MacAddress.text(MacAddress.of("a", 1)), 5)));
    assertEquals(
        List.of("dmz a/net1 5", "lan a/net0 3", "lan  4"),
        ((List<?>) run("vm:networks"))
            .stream()
                .map(each -> (NetworkCommands.Line) each)
                .map(each -> each.network() + " " + each.card() + " " + each.dropped())
                .toList());
    assertEquals(1, ((List<?>) run("vm:networks dmz")).size());
    assertTrue(refused("vm:networks lam").contains("lan"), "something near");
  }

  private static Network.Card card(String address, long dropped) {
    return new Network.Card(address, 1, 2, 3, 4, dropped, 6, 0);
  }

  @Test
  void aMachineIsMadeOfFiles() throws Exception {
    Files.write(folder.resolve("Image.bin"), new byte[100]);
    Files.writeString(folder.resolve("rd"), "some");
    Files.writeString(folder.resolve("fw.bin"), "some");
    String said = notice("vm:run --kernel Image.bin --initrd rd --append 'x=1' --memory 64M");
    assertTrue(said.startsWith("image-bin: image-bin boots in 64M"), said);
    var config = system.configs.get("vm/image-bin");
    assertEquals(folder.resolve("Image.bin").toString(), config.get("kernel"));
    assertEquals("x=1", config.get("append"));
    assertEquals("false", config.get("agent"));
    assertFalse(config.containsKey("firmware"), "the monitor's own");
    run("vm:run --firmware fw.bin --kernel Image.bin --name b");
    assertEquals(folder.resolve("fw.bin").toString(), system.configs.get("vm/b").get("firmware"));
    run("vm:run --firmware fw.bin --name c");
    assertFalse(system.configs.get("vm/c").containsKey("kernel"), "firmware alone");
  }

  @Test
  void anElfKernelAtTheStartOfMemoryHasNothingBelowIt() throws Exception {
    java.nio.ByteBuffer elf =
        java.nio.ByteBuffer.allocate(64).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    elf.putInt(0, 0x464c457f).putLong(24, 0x8000_0000L);
    Files.write(folder.resolve("kernel"), elf.array());
    run("vm:run --kernel kernel");
    assertEquals("none", system.configs.get("vm/kernel").get("firmware"));
    elf.putLong(24, 0x8020_0000L);
    Files.write(folder.resolve("kernel"), elf.array());
    run("vm:run --kernel kernel --name b");
    assertFalse(system.configs.get("vm/b").containsKey("firmware"), "S-mode, by its entry");
  }

  @Test
  void filesThatDoNotFitAreExplained() throws Exception {
    Files.writeString(folder.resolve("k"), "some");
    assertTrue(refused("vm:run").contains("name an image"));
    assertTrue(refused("vm:run nano --kernel k").contains("either nano or --kernel"));
    assertTrue(refused("vm:run --kernel missing").contains("there is no file 'missing'"));
    assertTrue(refused("vm:run --firmware none").contains("there has to be a --kernel"));
    assertTrue(refused("vm:run nano --initrd k").contains("go with --kernel only"));
  }

  @Test
  void aMachineHasAsManyHartsAsItIsGiven() throws Exception {
    run("vm:run nano --name a --cpus 4");
    assertEquals("4", system.configs.get("vm/a").get("cpus"));
    run("vm:run nano --name b");
    assertFalse(system.configs.get("vm/b").containsKey("cpus"), "one, as ever");
  }

  @Test
  void withoutANameTheImagesIsTaken() throws Exception {
    assertTrue(notice("vm:run nano").startsWith("nano: nano boots in 64M"));
    assertTrue(notice("vm:run nano").startsWith("nano-2: "));
    assertTrue(notice("vm:run nano").startsWith("nano-3: "));
  }

  @Test
  void whatCannotBeMadeIsExplained() throws Exception {
    run("vm:run nano --name a");
    assertTrue(refused("vm:run nano --name a").contains("vm:delete a"));
    assertTrue(refused("vm:run linx").contains("did you mean 'linux'"));
    assertTrue(refused("vm:run nano --memory 4M").contains("needs 8M or more"));
    assertTrue(refused("vm:run nano --memory 100000001").contains("multiple of 4K"));
    Files.createFile(folder.resolve("empty"));
    assertTrue(refused("vm:run nano --disk empty").contains("is empty"));
    assertTrue(refused("vm:run nano --disk none").contains("truncate"));
    assertTrue(refused("vm:run nano --disk .").contains("no ordinary file"));
    assertTrue(refused("vm:run nano --weight 0").contains("1 to 10000"));
    assertTrue(refused("vm:run nano --cpus 0").contains("1 to 8"));
    assertTrue(refused("vm:run nano --cpus 9").contains("1 to 8"));
    assertEquals(1, system.configs.size(), "nothing was made");
  }

  @Test
  void aMachineThatDoesNotStartIsNotLeftBehind() {
    system.startFails = java.util.Optional.of("no kernel in this file");
    assertEquals("vm:run: no kernel in this file", refused("vm:run nano --name a"));
    assertTrue(system.configs.isEmpty());
  }

  @Test
  void waitingEndsWithTheReadyLine() throws Exception {
    run("vm:run nano --name a");
    assertTrue(notice("vm:wait a").startsWith("a: ready after "));
    system.states.put("vm/a", "stopped");
    assertTrue(notice("vm:wait a --for stopped").startsWith("a: stopped after "));
  }

  @Test
  void readyIsRememberedWhenTheGuestHasStopped() throws Exception {
    run("vm:run nano --name a");
    run("vm:wait a");
    run("vm:stop a");
    assertTrue(notice("vm:wait a").contains("ready"));
  }

  @Test
  void waitingInVainEndsWithAReason() throws Exception {
    system.agent.ready = false;
    run("vm:run nano --name a");
    String message = refused("vm:wait a --timeout 60ms");
    assertTrue(message.contains("running and not ready after 60.0ms"), message);
    assertTrue(message.contains("vm:console a"), message);
    system.states.put("vm/a", "failed: the hart was lost");
    assertTrue(refused("vm:wait a").contains("failed: the hart was lost and will not come up"));
    assertTrue(refused("vm:wait a --for stopped").contains("failed"));
  }

  @Test
  void aWaitCanBeCancelled() throws Exception {
    run("vm:run nano --name a");
    Thread canceller =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!foreground.cancel()) {
                    Thread.onSpinWait();
                  }
                });
    assertEquals("vm:wait: cancelled", refused("vm:wait a --for stopped"));
    canceller.join();
  }

  @Test
  void outputComesToTheByte() throws Exception {
    run("vm:run linux --name a");
    StringBuilder bytes = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      bytes.append((char) (i % 256));
    }
    system.agent.output = bytes.toString();
    assertEquals(null, run("vm:exec a cat 'x y'"));
    assertEquals(bytes.toString(), out.toString(ISO_8859_1));
    assertEquals(List.of("cat x y within 0"), system.agent.started);
    assertEquals(List.of(1L), system.agent.forgotten);
  }

  @Test
  void theGuestsStatusDecides() throws Exception {
    run("vm:run linux --name a");
    system.agent.status = 3;
    assertEquals("vm:exec: the command ended with status 3", refused("vm:exec a false"));
    system.agent.state = "killed";
    system.agent.status = 137;
    system.agent.why = "it took longer than 2 s";
    assertTrue(refused("vm:exec a --timeout 2s x").endsWith("status 137: it took longer than 2 s"));
    system.agent.state = "lost";
    assertTrue(refused("vm:exec a x").contains("lost"));
    assertEquals(List.of(1L, 2L, 3L), system.agent.forgotten);
  }

  @Test
  void aCommandInTheGuestCanBeCancelled() throws Exception {
    run("vm:run linux --name a");
    system.agent.output = "x".repeat(100);
    system.agent.whileRunning = foreground::cancel;
    assertEquals("vm:exec: cancelled", refused("vm:exec a sleep 100"));
    assertEquals(List.of(1L), system.agent.forgotten, "forgetting a running job kills it");
  }

  @Test
  void aGuestThatIsNotUpTakesNoCommands() throws Exception {
    run("vm:run linux --name a");
    system.agent.ready = false;
    assertTrue(refused("vm:exec a x").contains("vm:wait a --for ready"));
    assertTrue(refused("vm:exec b x").contains("there is no machine 'b'"));
  }

  @Test
  void theConsoleIsShownAndTypedOn() throws Exception {
    run("vm:run nano --name a");
    TypedConsole console = system.consoles.get("vm/a");
    assertEquals("booting\nup\n", run("vm:console a"));
    assertEquals("up", run("vm:console a --last 1"));
    run("vm:type a hello 'w  1'");
    run("vm:type a --raw x");
    assertEquals("hello w  1\rx", console.input(100));
  }

  @Test
  void typingMayWaitForTheAnswer() throws Exception {
    run("vm:run nano --name a");
    TypedConsole console = system.consoles.get("vm/a");
    Thread guest =
        Thread.ofPlatform()
            .start(
                () -> {
                  String typed = "";
                  while (!typed.endsWith("\r")) {
                    typed += console.input(10);
                  }
                  console.written(typed + "\nfirst\r\nsum = 4");
                  console.written("2\r\n> ");
                });
    assertEquals("first\nsum = 42", run("vm:type a --until 'sum =' sum"));
    guest.join();
    assertTrue(refused("vm:type a --until never --timeout 50ms x").contains("'never'"));
  }

  @Test
  void attachedWithoutATerminalItStreamsUntilTheMachineStops() throws Exception {
    run("vm:run nano --name a");
    session = session(new ByteArrayInputStream("typed".getBytes(ISO_8859_1)));
    session.put(Invocation.FREE_INPUT, true);
    TypedConsole console = system.consoles.get("vm/a");
    Thread guest =
        Thread.ofPlatform()
            .start(
                () -> {
                  String typed = "";
                  while (!typed.equals("typed")) {
                    typed += console.input(10);
                  }
                  console.written("last words");
                  system.states.put("vm/a", "stopped");
                });
    assertEquals("detached; a is stopped", notice("vm:attach a"));
    guest.join();
    assertEquals("booting\nup\nlast words", out.toString(ISO_8859_1));
  }

  @Test
  void attachedItDetachesWhenTheTimeIsOver() throws Exception {
    run("vm:run nano --name a");
    assertEquals("detached; a goes on", notice("vm:attach a --timeout 100ms"));
  }

  @Test
  void whenTheMachineStopsTheKeyboardIsGivenBack() throws Exception {
    run("vm:run nano --name a");
    run("vm:stop a");
    session.put(Screen.VARIABLE, new Idle());
    assertEquals("detached; a is stopped", notice("vm:attach a"));
    // It would take the keys that are typed at the prompt.
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().equals("type a")));
  }

  /** A terminal at which nobody types. */
  private static final class Idle implements Screen, Screen.Keyboard {
    private final CountDownLatch closed = new CountDownLatch(1);

    @Override
    public boolean interactive() {
      return true;
    }

    @Override
    public int height() {
      return 24;
    }

    @Override
    public int width() {
      return 80;
    }

    @Override
    public Keyboard raw() {
      return this;
    }

    @Override
    public int read(long timeoutMillis) throws IOException {
      try {
        return closed.await(timeoutMillis, TimeUnit.MILLISECONDS) ? -1 : Keyboard.NONE;
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void close() {}
  }

  @Test
  void machinesArePausedStoppedAndDeleted() throws Exception {
    run("vm:run nano --name a");
    assertEquals("a: paused", notice("vm:pause a"));
    assertEquals("a: running", notice("vm:resume a"));
    system.states.put("vm/a", "stopped");
    assertTrue(refused("vm:resume a").contains("vm:start a switches it on"));
    system.states.put("vm/a", "running");
    assertTrue(refused("vm:start a").contains("'a' is running"));
    assertEquals("a: stopped", notice("vm:stop a"));
    assertEquals("a: running", notice("vm:start a"));
    assertEquals("a: deleted", notice("vm:delete a"));
    assertTrue(refused("vm:inspect a").contains("there is no machine 'a'; vm:run makes one"));
  }

  @Test
  void guestsAreListed() throws Exception {
    assertEquals(
        List.of(
            new GuestCommands.Guest("linux", true, "cardboard", ""),
            new GuestCommands.Guest("nano", true, "cardboard", "")),
        run("guest:list"));
    assertTrue(notice("guest:fetch").contains("nothing to get"));
    assertTrue(notice("guest:fetch nano").contains("nano is ready"));
    assertFalse(refused("guest:fetch nano --mirror ftp").isEmpty());
  }
}
