package duality.fuzz;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.vmm.GdbStub;
import duality.vmm.VirtualMachine;
import duality.vmm.gdb.GdbServer;
import duality.vmm.machine.Rig;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A debugger that says anything to the stub of a machine with two harts: packets as they should be,
 * with numbers as they should not be, and bytes that are no packets. Whatever it says, it gets an
 * end of its connection, and the next one is served.
 */
public final class GdbTarget implements Target {
  private static final int PATIENCE_MILLIS = 60_000;
  private static final int MOST_STEPS = 48;

  /** Numbers of the input stand where there is a %x or a %s. */
  private static final String[] PACKETS = {
    "?",
    "g",
    "G%s",
    "p%x",
    "P%x=%s",
    "m%x,%x",
    "M%x,%x:%s",
    "X%x,%x:%s",
    "Z0,%x,4",
    "Z1,%x,4",
    "Z2,%x,%x",
    "Z3,%x,%x",
    "Z4,%x,%x",
    "z0,%x,4",
    "z4,%x,%x",
    "Z%x,%x,%x",
    "c",
    "s",
    "c%x",
    "s%x",
    "vCont?",
    "vCont;c",
    "vCont;s:%x;c",
    "vCont;r%x,%x:1",
    "vCont;%s",
    "Hg%x",
    "Hc-1",
    "T%x",
    "qC",
    "qfThreadInfo",
    "qSupported:%s",
    "qXfer:features:read:target.xml:%x,%x",
    "qThreadExtraInfo,%x",
    "QStartNoAckMode",
    "D",
    "k",
    "%s"
  };

  private final Rig rig = new Rig(2, 64L << 20);
  private final Path kernel;
  private final VirtualMachine machine;
  private final int port;
  private final Complaints complaints = new Complaints(rig.core);

  /** A machine that counts, and its stub. */
  public GdbTarget() throws IOException {
    Assembly assembly = new Assembly(true);
    assembly.step();
    assembly.word(0x0012_8293); // addi t0, t0, 1
    assembly.store(Input.RING, 8, 1);
    assembly.word(0xff9f_f06f); // and again, some instructions before
    kernel = Files.createTempFile("duality-fuzz", ".elf");
    Files.write(kernel, assembly.elf());
    rig.core.register("gdb", new GdbServer(), GdbStub.class);
    Map<String, String> config =
        Map.of(
            "memory",
            "4194304",
            "kernel",
            kernel.toString(),
            "firmware",
            "none",
            "cpus",
            "2",
            "agent",
            "false");
    machine = rig.machine("f", config);
    machine.start();
    port = rig.root.create("gdb/f", GdbStub.class, Map.of("port", "0")).serve(machine);
  }

  @Override
  public void run(byte[] bytes) throws IOException {
    Input input = new Input(bytes);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      socket.setTcpNoDelay(true);
      OutputStream out = socket.getOutputStream();
      for (int step = 0; step < MOST_STEPS && input.hasMore(); step++) {
        out.write(said(input).getBytes(ISO_8859_1));
        drain(socket.getInputStream());
      }
      // Whatever is half said ends here; the guest is stopped, and the debugger goes.
      out.write("#00\3$D#44".getBytes(ISO_8859_1));
      out.flush();
      while (socket.getInputStream().read() >= 0) {
        // Answers, up to the end.
      }
    } catch (java.net.SocketTimeoutException silence) {
      throw new IllegalStateException("the stub does not let its debugger go", silence);
    } catch (java.net.SocketException gone) {
      // It said good-bye before, and heard no more.
    }
    String state = machine.report().state();
    if (!state.equals("running") && !state.equals("paused")) {
      machine.stop(); // what it wrote into its registers or memory has ended it
      machine.start();
    }
  }

  private static void drain(InputStream in) throws IOException {
    while (in.available() > 0) {
      in.skipNBytes(in.available());
    }
  }

  private static String said(Input input) {
    int how = input.next(8);
    if (how == 0) {
      return text(input);
    }
    String packet = PACKETS[input.next(PACKETS.length)];
    StringBuilder data = new StringBuilder();
    for (int i = 0; i < packet.length(); i++) {
      char c = packet.charAt(i);
      if (c == '%') {
        data.append(packet.charAt(++i) == 's' ? text(input) : Long.toHexString(number(input)));
      } else {
        data.append(c);
      }
    }
    int sum = 0;
    for (int i = 0; i < data.length(); i++) {
      sum += data.charAt(i);
    }
    int told = how == 1 ? input.next() : sum & 0xff;
    return "$" + data + "#" + String.format("%02x", told);
  }

  private static long number(Input input) {
    return input.next(2) == 0 ? input.next() : input.value();
  }

  /** Digits, mostly. */
  private static String text(Input input) {
    int kind = input.next();
    StringBuilder text = new StringBuilder();
    for (int left = kind & 31; left > 0; left--) {
      int next = input.next();
      text.append(kind < 192 ? Character.forDigit(next & 15, 16) : (char) next);
    }
    return text.toString();
  }

  @Override
  public List<String> complaints() {
    return complaints.fresh();
  }

  @Override
  public void close() {
    rig.close();
    try {
      Files.deleteIfExists(kernel);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
