package duality.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MacAddress;
import duality.guests.Boot;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.vmm.GuestAgent;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Debian's kernel, unmodified, on the whole system; one boot serves all tests. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LinuxBootIT {
  private static final long BOOT_SECONDS = 400;
  private static final long SECONDS = 120;
  private static final int DISK_BYTES = 8 << 20;

  /** What /proc/uptime is rounded to, and what the guest's clock may be wrong by. */
  private static final long CLOCK_NANOS = 10_000_000L + 10_000_000L;

  @TempDir private static Path folder = Path.of("");

  private Root root;
  private Boot boot;
  private Path disk;
  private RunningMachine linux;

  @BeforeAll
  void bootLinux() throws Exception {
    root = Services.service(Root.class);
    boot = Services.boot("linux");
    disk = folder.resolve("disk.img");
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(DISK_BYTES);
    }
    Map<String, String> more =
        Map.of("disk0", disk.toString(), "net0", "it", "net1", "it", "rng", "true");
    linux = new RunningMachine(root, "linux-it", boot, more);
    linux.until("ready", BOOT_SECONDS, () -> linux.agent().ready());
  }

  @AfterAll
  void remove() {
    if (linux != null) {
      linux.close();
    }
  }

  @Test
  void itIsARiscvMachineWithItsMemory() {
    assertEquals("riscv64\n", linux.exec("uname -m", SECONDS));
    assertEquals("timed\n", linux.exec("time true 2>/dev/null && echo timed", SECONDS), "rdtime");
    String memory = linux.exec("grep MemTotal /proc/meminfo", SECONDS);
    long kib = Long.parseLong(memory.replaceAll("[^0-9]", ""));
    assertTrue(kib * 1024 <= boot.memoryBytes() && kib * 1024 > boot.memoryBytes() * 3 / 4, memory);
    linux.await(0, boot.readyLine(), SECONDS);
  }

  @Test
  void outputAndStatusComeBackAsTheyWere() {
    String bytes = linux.exec("head -c 300000 /dev/zero | tr '\\0' '\\377'", SECONDS);
    assertEquals(300_000, bytes.length());
    assertTrue(bytes.chars().allMatch(each -> each == 0xFF), "every byte");
    GuestAgent agent = linux.agent();
    long failing = agent.start("echo out; echo err >&2; exit 42", 0);
    assertEquals("out\nerr\n", linux.finish(failing, SECONDS));
    assertEquals(42, agent.job(failing).status());
    long endless = agent.start("while :; do sleep 1; done", 300);
    linux.finish(endless, SECONDS);
    assertEquals("killed", agent.job(endless).state());
  }

  @Test
  void whatItWritesAndSyncsIsInTheFileBitForBit() throws Exception {
    byte[] seed = new byte[1 << 20];
    new Random(7).nextBytes(seed);
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(seed));
    // From host to guest: the last MiB of the disk; then the guest copies it to the first one.
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.seek(DISK_BYTES - seed.length);
      file.write(seed);
    }
    String seen = linux.exec("dd if=/dev/vda bs=1M skip=7 2>/dev/null | sha256sum", SECONDS);
    assertEquals(hash, seen.substring(0, 64), "what the guest reads");
    linux.exec("dd if=/dev/vda of=/dev/vda bs=1M skip=7 count=1 conv=fsync,notrunc", SECONDS);
    byte[] written = new byte[seed.length];
    try (var in = Files.newInputStream(disk)) {
      assertEquals(written.length, in.readNBytes(written, 0, written.length));
    }
    assertArrayEquals(seed, written, "what the guest wrote");
  }

  @Test
  void schedulerPagerMonitorAndDriversAreReplacedWhileItComputes() throws Exception {
    Swapper swapper = Services.service(Swapper.class);
    String command = "dd if=/dev/zero bs=1M count=8 2>/dev/null | sha256sum";
    byte[] zeros = new byte[8 << 20];
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(zeros));
    long before = System.nanoTime();
    double uptimeBefore = uptime();
    long between = System.nanoTime();
    long job = linux.agent().start(command, 0);
    String vm = "vm/linux-it";
    for (int i = 0; i < 20; i++) {
      done(swapper.swap("scheduler", i % 2 == 0 ? "scheduler.roundrobin" : "scheduler.fair"));
      done(swapper.swap(vm + "/pager", i % 2 == 0 ? "pager.pinned" : "pager.demand"));
      done(swapper.swap(vm, "vmm.machine"));
      done(swapper.swap(vm + "/agent", "agent"));
      done(swapper.swap(vm + "/plic", "plic"));
      done(swapper.swap(vm + "/uart", "uart"));
      done(swapper.swap(vm + "/ports", "virtio.console"));
      done(swapper.swap(vm + "/blk0", "virtio.blk"));
    }
    assertEquals(hash, linux.finish(job, SECONDS).substring(0, 64));
    long later = System.nanoTime();
    double progress = uptime() - uptimeBefore;
    long end = System.nanoTime();
    double least = (later - between - CLOCK_NANOS) / 1e9;
    double most = (end - before + CLOCK_NANOS) / 1e9;
    assertTrue(
        progress >= least && progress <= most,
        "the guest's clock went on by " + progress + " s, the host's by " + least + " to " + most);
  }

  /** Its second card is put where the first one can reach it through the switch only. */
  @Test
  void itsCardsReachEachOtherWhileSwitchAndCardsAreReplaced() throws Exception {
    Swapper swapper = Services.service(Swapper.class);
    linux.exec(
        String.join(
            "\n",
            "set -e",
            "unshare -n sh -c 'echo $$ >/tmp/ns; exec sleep 100000' >/dev/null 2>&1 &",
            "while [ ! -s /tmp/ns ]; do sleep 0.1; done",
            "ip link set eth1 netns $(cat /tmp/ns)",
            "ip addr add 192.168.7.1/24 dev eth0",
            "nsenter -t $(cat /tmp/ns) -n ip addr add 192.168.7.2/24 dev eth1",
            "nsenter -t $(cat /tmp/ns) -n ip link set eth1 up"),
        SECONDS);
    String address = linux.exec("cat /sys/class/net/eth0/address", SECONDS).strip();
    assertEquals(MacAddress.text(MacAddress.of("linux-it", 0)), address);
    String ping = linux.exec("ping -c 3 192.168.7.2", SECONDS);
    assertTrue(ping.contains("3 packets received"), ping);
    // The fifo keeps the listener's half of the connection open.
    String listen =
        "mkfifo /tmp/open; nsenter -t $(cat /tmp/ns) -n nc -l -p 5000 <>/tmp/open | md5sum";
    long sum = linux.agent().start(listen, 0);
    linux.exec(
        "while ! nsenter -t $(cat /tmp/ns) -n netstat -ltn | grep -q :5000; do sleep 0.1; done",
        SECONDS);
    linux.exec("seq 1 300000 >/tmp/numbers", SECONDS);
    long send = linux.agent().start("nc 192.168.7.2 5000 </tmp/numbers", 0);
    String vm = "vm/linux-it";
    for (int i = 0; i < 20; i++) {
      done(swapper.swap("net/it", "net.switch"));
      done(swapper.swap(vm + "/net" + i % 2, "virtio.net"));
      done(swapper.swap(vm + "/rng", "virtio.rng"));
    }
    linux.finish(send, SECONDS);
    String right = linux.exec("md5sum </tmp/numbers", SECONDS);
    assertEquals(right, linux.finish(sum, SECONDS));
    assertEquals("64\n", linux.exec("head -c 64 /dev/hwrng | wc -c", SECONDS));
  }

  /** Bigger than what an agent keeps of output that nobody has read, and than a disk with room. */
  @Test
  void bigFilesAreCopiedInAndOutAndWhatDoesNotFitIsRefused() throws Exception {
    linux.exec(
        "head -c 1000000 /dev/urandom >/tmp/in; for i in $(seq 18); do cat /tmp/in;"
            + " done >/tmp/out; mkdir /tmp/small; mount -t tmpfs -o size=1m none"
            + " /tmp/small",
        SECONDS);
    String there = linux.exec("md5sum </tmp/out", SECONDS).substring(0, 32);
    Path out = folder.resolve("out");
    Path in = folder.resolve("in");
    byte[] bytes = new byte[1_500_000];
    new Random(11).nextBytes(bytes);
    Files.write(in, bytes);
    try (Gogo gogo = new Gogo(folder)) {
      gogo.run("vm:copy linux-it:/tmp/out " + out);
      assertTrue(Files.size(out) > GuestAgent.KEPT_BYTES, () -> out.toFile().length() + " bytes");
      assertEquals(there, md5(Files.readAllBytes(out)));
      gogo.run("vm:copy " + in + " linux-it:/tmp");
      assertEquals(md5(bytes), linux.exec("md5sum </tmp/in", SECONDS).substring(0, 32));
      String refused = gogo.refused("vm:copy " + in + " linux-it:/tmp/small");
      assertTrue(refused.contains("no space left for 1500000 bytes"), refused);
    }
    assertEquals(
        "", linux.exec("ls -A /tmp/small; umount /tmp/small; rm /tmp/out /tmp/in", SECONDS));
  }

  private static String md5(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
  }

  @Test
  void itKnowsTheDate() {
    long before = System.currentTimeMillis() / 1000;
    long there = Long.parseLong(linux.exec("date +%s", SECONDS).strip());
    long after = System.currentTimeMillis() / 1000;
    assertTrue(
        there >= before - 2 && there <= after + 2,
        there + " s in the guest, " + before + " to " + after + " s here");
  }

  /** Now each of its system calls, faults and interrupts is an IPC, and then none is. */
  @Test
  void itGoesFromOneStructureToTheOtherAndBackWhileItComputes() throws Exception {
    Swapper swapper = Services.service(Swapper.class);
    String vm = "vm/linux-it";
    linux.exec("head -c 500000 /bin/busybox > /tmp/file", SECONDS);
    long job =
        linux
            .agent()
            .start(
                "i=0; while [ $i -lt 20 ]; do gzip -c /tmp/file | gunzip -c | cmp - /tmp/file"
                    + " || exit 1; i=$((i + 1)); done; echo same",
                0);
    for (int i = 0; i < 20; i++) {
      done(swapper.swap(vm, "vmm.trap"));
      assertEquals("riscv64\n", linux.exec("uname -m", SECONDS));
      done(swapper.swap(vm, "vmm.machine"));
    }
    assertEquals("same\n", linux.finish(job, SECONDS));
    assertEquals(0, linux.agent().job(job).status());
  }

  private static void done(Swapper.Swap swap) {
    assertEquals("done", swap.outcome(), () -> "" + swap);
  }

  /** Seconds since the guest started, by its own clock. */
  private double uptime() {
    return Double.parseDouble(linux.exec("cat /proc/uptime", SECONDS).split(" ", -1)[0]);
  }
}
