package duality.shell.lab;

import duality.guests.Boot;
import duality.shell.command.CommandFailed;
import duality.shell.lab.ChargeCells.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two Debians on one network, with a source of randomness each: frames of several sizes between
 * them, random bytes, and output through the ports of their agents.
 */
final class LinuxLoad implements AutoCloseable {
  private static final String NETWORK = "charges";
  private static final int[] FRAMES = {16, 400, 800, 1400};
  private static final int[] BLOCKS = {64, 1024, 4096};
  private static final int[] READS = {32, 64, 256};
  private static final int[] COUNTS = {100, 200, 400, 800, 1_600};

  private static final Set<String> NET = Set.of("virtio.net");
  private static final Set<String> PORTS = Set.of("virtio.console");
  private static final Set<String> RANDOM = Set.of("virtio.rng");

  private final Trial trial;
  private final List<LinuxGuest> guests = new ArrayList<>();

  /** Boots them. */
  LinuxLoad(Trial trial) throws Exception {
    this.trial = trial;
    try {
      for (int i = 0; i < 2; i++) {
        String name = i == 0 ? "charge-c" : "charge-d";
        LinuxGuest guest =
            new LinuxGuest(
                trial,
                name,
                null,
                trial.folder().resolve("scratch-" + name),
                512,
                "vmm.machine",
                Map.of("net0", NETWORK, "rng", "true"));
        guests.add(guest);
        String unused =
            guest.exec(
                "ip addr add "
                    + address(i)
                    + "/24 dev eth0; ip link set eth0 up;"
                    + " dd if=/dev/hwrng of=/dev/null bs=16 count=1 2>/dev/null");
      }
      // Until their neighbour tables know each other.
      String unused = guests.getFirst().exec(ping(5, 16));
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  private static String address(int guest) {
    return "10.7.1." + (guest + 1);
  }

  /** Each answer is followed by the next question. */
  private static String ping(int count, int bytes) {
    return "ping -A -q -c " + count + " -s " + bytes + " " + address(1) + " >/dev/null";
  }

  private static String random(int count, int bytes) {
    return "dd if=/dev/hwrng of=/dev/null bs=" + bytes + " count=" + count + " 2>/dev/null";
  }

  private static String output(int count, int bytes) {
    return "dd if=/dev/zero bs=" + bytes + " count=" + count + " 2>/dev/null";
  }

  /** Points and mixes of each driver. */
  List<Cell> cells(double scale) {
    List<Cell> cells = new ArrayList<>();
    for (int usual : COUNTS) {
      int count = DiskLoad.scaled(usual, scale);
      for (int bytes : FRAMES) {
        cells.add(
            cell("network, pings of " + bytes + " bytes", count, true, NET, ping(count, bytes)));
      }
      for (int bytes : BLOCKS) {
        cells.add(
            cell(
                "console port, blocks of " + bytes + " bytes",
                count,
                true,
                PORTS,
                output(count, bytes)));
      }
      for (int bytes : READS) {
        cells.add(
            cell("randomness, " + bytes + " bytes", count, true, RANDOM, random(count, bytes)));
      }
    }
    int some = DiskLoad.scaled(240, scale);
    cells.add(
        cell(
            "networks",
            6 * some,
            false,
            NET,
            ping(some, 100) + ";" + ping(3 * some, 1000) + ";" + ping(2 * some, 600)));
    cells.add(
        cell(
            "console ports",
            4 * some,
            false,
            PORTS,
            output(some, 300) + ";" + output(some, 2000) + ";" + output(2 * some, 700)));
    cells.add(cell("sources of randomness", 2 * some, false, RANDOM, random(2 * some, 100)));
    return cells;
  }

  /** Both guests at work: the second answers, or does the same. */
  private Cell cell(String kind, int count, boolean seen, Set<String> drivers, String command) {
    return new Cell(
        kind,
        count,
        seen,
        drivers,
        () -> {
          for (LinuxGuest guest : drivers.equals(NET) ? guests.subList(0, 1) : guests) {
            String unused = guest.exec(command);
          }
        });
  }

  /** Whether the system has the image. */
  static boolean possible(Trial trial) {
    try {
      Boot unused = trial.boot("linux");
      return true;
    } catch (CommandFailed e) {
      return false;
    }
  }

  @Override
  public void close() {
    guests.forEach(LinuxGuest::close);
    String network = "net/" + NETWORK;
    if (trial.root().paths(duality.drivers.Network.class).contains(network)) {
      trial.root().remove(network);
    }
  }
}
