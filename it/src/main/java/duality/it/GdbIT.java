package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.processor.HartState;
import duality.servers.Root;
import duality.vmm.gdb.RealGdb;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code gdb-multiarch} makes of Debian's kernel, unmodified, on two harts. Where things are
 * the guest itself says; what gdb shows is compared with what the shell and the machine show.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GdbIT {
  private static final long BOOT_SECONDS = 400;
  private static final long SECONDS = 120;
  private static final String NAME = "gdb-it";
  private static final Pattern PORT = Pattern.compile("localhost:(\\d+)|port=(\\d+)");

  /** A number of bytes that nobody else reads. */
  private static final int COUNT = 12_345;

  @TempDir private static Path folder = Path.of("");

  private Gogo gogo;
  private RunningMachine linux;
  private String port;
  private String symbols;

  /** Where {@code read} of the kernel begins, with its arguments in a0 to a2. */
  private long read;

  @BeforeAll
  void boot() throws Exception {
    gogo = new Gogo(folder);
    linux =
        new RunningMachine(
            Services.service(Root.class), NAME, Services.boot("linux"), Map.of("cpus", "2"));
    linux.until("ready", BOOT_SECONDS, () -> linux.agent().ready());
    Matcher open = PORT.matcher(shell("vm:gdb " + NAME + " 0"));
    assertTrue(open.find(), "vm:gdb says where");
    port = open.group(1) != null ? open.group(1) : open.group(2);
    linux.exec("echo 0 >/proc/sys/kernel/kptr_restrict", SECONDS);
    // Once: the guest takes seconds for its two hundred thousand lines.
    symbols =
        linux.exec("grep -F -e ksys_read -e linux_banner -e init_uts_ns /proc/kallsyms", SECONDS);
    read = symbol("ksys_read");
  }

  @AfterAll
  void remove() {
    if (linux != null) {
      linux.close();
    }
    gogo.close();
  }

  /** The guest works, on both of its harts, as it has before each test. */
  @BeforeEach
  void works() {
    assertEquals("running", linux.machine.report().state());
    for (int cpu = 0; cpu < 2; cpu++) {
      String sum = linux.exec("taskset " + (1 << cpu) + " sh -c 'echo $((6 * 7))'", SECONDS);
      assertEquals("42\n", sum);
    }
  }

  private String shell(String command) throws Exception {
    return String.valueOf(gogo.run(command));
  }

  /** Where the kernel has what is named so. */
  private long symbol(String name) {
    String line =
        symbols.lines().filter(each -> each.endsWith(" " + name)).findFirst().orElseThrow();
    long address = Long.parseUnsignedLong(line.substring(0, 16), 16);
    assertTrue(address < 0, line); // in the upper half, where the kernel is
    return address;
  }

  private static String hex(long number) {
    return "0x" + Long.toHexString(number);
  }

  private static void has(String text, String part) {
    assertTrue(text.contains(part), () -> "no '" + part + "' in: " + text);
  }

  private RealGdb attached() throws Exception {
    RealGdb gdb = new RealGdb();
    try {
      has(gdb.ask("target remote localhost:" + port), "Remote debugging using");
      assertEquals("paused", linux.machine.report().state());
      return gdb;
    } catch (Exception | AssertionError failed) {
      gdb.close(); // or the guest would stand still for it, and all other tests fail
      throw failed;
    }
  }

  private void until(String state) {
    linux.until(state, SECONDS, () -> linux.machine.report().state().equals(state));
  }

  /** Lets the guest go on, and has it read those bytes on one of its processors. */
  private long reads(RealGdb gdb, int cpu) throws Exception {
    gdb.say("continue");
    return linux
        .agent()
        .start(
            "taskset "
                + (1 << cpu)
                + " dd if=/dev/zero bs="
                + COUNT
                + " count=1 2>/dev/null | wc -c",
            0);
  }

  /** The hart that gdb looks at is where gdb, the machine and the shell say that it is. */
  private int sameEverywhere(RealGdb gdb) throws Exception {
    int hart = Integer.parseInt(gdb.ask("output $_thread")) - 1;
    HartState state = linux.machine.registers(hart);
    assertEquals(state.pc(), gdb.value("$pc"));
    String regs = shell("vm:regs " + NAME + " --hart " + hart);
    has(regs, Long.toHexString(state.pc()));
    String[] names = {"ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2"};
    for (int i = 0; i < names.length; i++) {
      assertEquals(state.x()[i + 1], gdb.value("$" + names[i]), names[i]);
    }
    has(regs, Long.toHexString(gdb.value("$sp")));
    assertEquals(1, gdb.value("$priv"), "S-mode");
    assertEquals(state.csrs().get("satp"), gdb.value("$satp"));
    has(gdb.ask("info registers pc sp a0"), hex(state.pc()));
    byte[] code = linux.machine.read(hart, state.pc(), 8);
    String bytes = HexFormat.of().formatHex(code);
    String shown = gdb.ask("x/8xb $pc").replaceAll("0x[0-9a-f]{3,}:?|0x|\\s|<[^>]*>:?", "");
    assertEquals(bytes, shown);
    has(gdb.ask("x/4i $pc"), "=> " + hex(state.pc()));
    has(shell("vm:disasm " + NAME + " pc 4 --hart " + hart), "=> " + hex(state.pc()));
    return hart;
  }

  @Test
  void itStopsWhereAKernelFunctionBeginsOnTheHartThatCallsIt() throws Exception {
    for (String kind : new String[] {"break", "hbreak"}) {
      for (int cpu = 0; cpu < 2; cpu++) {
        long job;
        try (RealGdb gdb = attached()) {
          has(gdb.ask(kind + " *" + hex(read) + " if $a2 == " + COUNT), "reakpoint 1 at");
          job = reads(gdb, cpu);
          has(gdb.answer("continue"), "Breakpoint 1, " + hex(read));
          assertEquals(cpu, sameEverywhere(gdb), kind);
          assertEquals(read, gdb.value("$pc"));
          assertEquals(0, gdb.value("$a0"), "dd's standard input");
          assertEquals(COUNT, gdb.value("$a2"));
          // Its caller, too: the call has come back with all that was asked for.
          gdb.ask("delete");
          long caller = gdb.value("$ra");
          long stack = gdb.value("$sp");
          has(gdb.ask("break *" + hex(caller) + " if $sp == " + hex(stack)), "reakpoint 2 at");
          has(gdb.ask("continue"), "Breakpoint 2, " + hex(caller));
          assertEquals(cpu, sameEverywhere(gdb), "still there");
          assertEquals(COUNT, gdb.value("$a0"), "bytes read");
          has(gdb.ask("detach"), "detached");
        }
        until("running");
        assertEquals(COUNT + "\n", linux.finish(job, SECONDS));
      }
    }
  }

  @Test
  void itIsSteppedOneInstructionAtATime() throws Exception {
    long job;
    try (RealGdb gdb = attached()) {
      gdb.ask("hbreak *" + hex(read) + " if $a2 == " + COUNT);
      job = reads(gdb, 1);
      has(gdb.answer("continue"), "Breakpoint 1");
      long other = executed(0);
      for (int i = 0; i < 20; i++) {
        long before = executed(1);
        gdb.ask("stepi");
        assertEquals(1, executed(1) - before);
        assertEquals(1, sameEverywhere(gdb));
      }
      assertEquals(other, executed(0), "the other hart stands");
      gdb.ask("detach");
    }
    until("running");
    assertEquals(COUNT + "\n", linux.finish(job, SECONDS));
  }

  private long executed(int hart) {
    return linux.machine.registers(hart).csrs().getOrDefault("minstret", 0L);
  }

  @Test
  void itsMemoryIsReadAndWrittenByTheKernelsAddresses() throws Exception {
    String release = linux.exec("uname -r", SECONDS).strip();
    long banner = symbol("linux_banner");
    long names = symbol("init_uts_ns");
    try (RealGdb gdb = attached()) {
      for (int hart = 0; hart < 2; hart++) {
        gdb.ask("thread " + (hart + 1));
        has(gdb.ask("output (char *) " + hex(banner)), "Linux version " + release + " ");
      }
      // The node's name, the second of the six of struct new_utsname, each of 65 bytes.
      long name =
          Long.parseUnsignedLong(
              gdb.ask("find " + hex(names) + ", +512, 'd', 'u', 'a', 'l', 'i', 't', 'y'")
                  .lines()
                  .findFirst()
                  .orElse("")
                  .substring(2),
              16);
      gdb.ask("set {char[9]} " + hex(name) + " = \"debugged\"");
      has(gdb.ask("x/s " + hex(name)), "\"debugged\"");
      gdb.ask("detach");
    }
    until("running");
    assertEquals("debugged\n", linux.exec("uname -n", SECONDS));
    linux.exec("hostname duality", SECONDS);
  }

  @Test
  void itStopsWhenMemoryIsWritten() throws Exception {
    long names = symbol("init_uts_ns");
    long job;
    try (RealGdb gdb = attached()) {
      String found = gdb.ask("find " + hex(names) + ", +512, 'd', 'u', 'a', 'l', 'i', 't', 'y'");
      gdb.ask("watch *(long *) " + found.lines().findFirst().orElse(""));
      gdb.say("continue");
      job = linux.agent().start("hostname watched; uname -n; hostname duality", 0);
      has(gdb.answer("continue"), "New value = ");
      gdb.ask("delete");
      gdb.ask("detach");
    }
    until("running");
    assertEquals("watched\n", linux.finish(job, SECONDS));
  }

  @Test
  void itIsInterruptedAndOutlivesItsDebugger() throws Exception {
    long job;
    try (RealGdb gdb = attached()) {
      for (int i = 0; i < 5; i++) {
        gdb.say("continue");
        until("running");
        gdb.interrupt();
        has(gdb.answer("Ctrl-C"), "SIGINT");
        String threads = gdb.ask("info threads");
        has(threads, "\"hart 0\"");
        has(threads, "\"hart 1\"");
      }
      gdb.ask("break *" + hex(read));
      job = reads(gdb, 0);
      has(gdb.answer("continue"), "Breakpoint 1");
      gdb.kill();
    }
    until("running");
    assertEquals(COUNT + "\n", linux.finish(job, SECONDS));
    assertTrue(
        linux.exec("dmesg", SECONDS).lines().noneMatch(each -> each.contains("soft lockup")));
  }
}
