package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.BackEnd;
import duality.drivers.Console;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.Rig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The system with this monitor and its back halves in it. */
final class XenRig implements AutoCloseable {
  static final long SECONDS = 120;

  final Rig rig;
  private final Path folder;

  /** The hart that was made last. */
  private final AtomicReference<XenHart> hart = new AtomicReference<>();

  XenRig(Path folder) {
    this.folder = folder;
    rig = Rig.with("vmm.xen", new XenServer(hart::set), 1, 256L << 20);
    rig.core.register("xen.blk", new BlockServer(), BackEnd.class);
    rig.core.register("xen.console", new ConsoleServer(), BackEnd.class);
  }

  /** What the monitor of the machine made or replaced last knows; to be touched when paused. */
  Domain domain() {
    return hart().domain();
  }

  XenHart hart() {
    return hart.get();
  }

  /** What the swapper does: hold, save, open the next one with that, bind, release. */
  void replace(String path, String server) {
    Kernel kernel = rig.core.kernel();
    Endpoint endpoint = kernel.endpoint(path);
    try (Kernel.Hold hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
      State saved = endpoint.save();
      endpoint.open(server, saved).bind();
      assertTrue(hold.sinceNanos() != 0);
    }
  }

  /** What is done when a server hangs: its successor gets no more than its checkpoint. */
  void replaceHung(String path, String server) {
    Kernel kernel = rig.core.kernel();
    Endpoint endpoint = kernel.endpoint(path);
    try (Kernel.Hold hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
      endpoint.open(server, endpoint.checkpoint()).bind();
      assertTrue(hold.sinceNanos() != 0);
    }
  }

  /** The ported kernel as a file. */
  Path kernel() throws IOException {
    Path nano = folder.resolve("nano-xen.elf");
    if (!Files.exists(nano)) {
      try (InputStream image = XenRig.class.getResourceAsStream("/nano/nano-xen.elf")) {
        assertTrue(image != null, "nano-xen.elf is on the class path");
        Files.copy(image, nano);
      }
    }
    return nano;
  }

  /** A machine with the ported nano that is up. */
  VirtualMachine booted(String name, Map<String, String> more) throws IOException {
    Map<String, String> config = new HashMap<>();
    config.put("memory", "16777216");
    config.put("kernel", kernel().toString());
    config.put("agent", "false");
    config.put("image", "nano-xen");
    config.putAll(more);
    VirtualMachine machine = rig.machine(name, config);
    machine.start();
    rig.await(rig.console(name), 0, "nano: ready", SECONDS);
    return machine;
  }

  /** As {@link #booted}, with an empty disk of 256 sectors. */
  VirtualMachine bootedWithDisk(String name) throws IOException {
    Path disk = folder.resolve("disk");
    Files.write(disk, new byte[256 * 512]);
    return booted(name, Map.of("disk0", disk.toString()));
  }

  /** Another machine, as {@link #booted}; what is asked of this rig stays the first one's. */
  VirtualMachine neighbour(String name) throws IOException {
    XenHart first = hart.get();
    VirtualMachine machine = booted(name, Map.of());
    hart.set(first);
    return machine;
  }

  /** Types a command and answers what comes until that text. */
  String command(String name, String line, String answer) {
    Console console = rig.console(name);
    long from = console.position();
    console.type(line + "\r");
    return rig.await(console, from, answer, SECONDS);
  }

  /** A guest, which runs, computes as it should, and no server failed. */
  void assertSound(String name) {
    command(name, "sum 1000", "sum 1000 = 0x9ac7455483036aca");
    assertEquals(List.of(), rig.core.failures(0));
  }

  @Override
  public void close() {
    rig.close();
  }
}
