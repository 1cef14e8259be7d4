package duality.shell.lab;

import duality.shell.lab.ChargeCells.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.random.RandomGenerator;

/** Two small guests with a disk each, which read and write requests of chosen sizes. */
final class DiskLoad implements AutoCloseable {
  /** Sectors of 512 bytes of a request. */
  private static final int[] SIZES = {1, 8, 16, 32, 64};

  private static final int[] UNSEEN = {2, 3, 5, 12, 24, 40, 48, 56};
  private static final int[] COUNTS = {30, 60, 120, 240, 480};
  private static final int MIX = 500;
  private static final long SEED = 2005;

  /** Commands that are typed at a time. */
  private static final int BATCH = 50;

  private static final int DISK_SECTORS = 256;
  private static final Set<String> DRIVERS = Set.of("virtio.blk", "store.file");

  private final List<NanoGuest> guests = new ArrayList<>();

  /** Boots them. */
  DiskLoad(Trial trial) throws Exception {
    try {
      for (String name : List.of("charge-a", "charge-b")) {
        NanoGuest guest =
            new NanoGuest(
                trial.root(),
                name,
                trial.boot("nano"),
                trial.folder().resolve("disk-" + name),
                "vmm.machine");
        guests.add(guest);
        guest.boot();
      }
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  /** The first guest's path. */
  String first() {
    return guests.getFirst().path();
  }

  /** Each size and direction in runs of several lengths, and a mix of other sizes. */
  List<Cell> cells(double scale) {
    List<Cell> cells = new ArrayList<>();
    for (int size : SIZES) {
      for (boolean write : new boolean[] {false, true}) {
        for (int usual : COUNTS) {
          int count = scaled(usual, scale);
          List<String> own = new ArrayList<>();
          for (int i = 0; i < count; i++) {
            own.add(command(size, write, i % (DISK_SECTORS - size)));
          }
          String kind = "disk, " + 512 * size + (write ? " bytes written" : " bytes read");
          cells.add(new Cell(kind, count, true, DRIVERS, () -> run(List.of(own, own))));
        }
      }
    }
    RandomGenerator random = new SplittableRandom(SEED);
    List<String> reader = new ArrayList<>();
    List<String> writer = new ArrayList<>();
    int mix = scaled(MIX, scale);
    for (int i = 0; i < mix; i++) {
      reader.add(mixed(random, 1));
      writer.add(mixed(random, 6));
    }
    cells.add(new Cell("disks", mix, false, DRIVERS, () -> run(List.of(reader, writer))));
    return cells;
  }

  static int scaled(int usual, double scale) {
    return (int) Math.max(10, Math.round(usual * scale));
  }

  /** A request of a size that the points do not have; so many of ten are writes. */
  private static String mixed(RandomGenerator random, int writes) {
    int size = UNSEEN[random.nextInt(UNSEEN.length)];
    return command(size, random.nextInt(10) < writes, random.nextInt(DISK_SECTORS - size));
  }

  private static String command(int size, boolean write, int sector) {
    return write ? "put " + sector + " " + size + " 7" : "get " + sector + " " + size;
  }

  /** Has both guests do their commands at the same time. */
  private void run(List<List<String>> commands) throws Exception {
    List<FutureTask<Integer>> tasks = new ArrayList<>();
    for (int i = 0; i < guests.size(); i++) {
      NanoGuest guest = guests.get(i);
      List<String> own = commands.get(i);
      FutureTask<Integer> task = new FutureTask<>(() -> type(guest, own));
      tasks.add(task);
      Thread.ofPlatform().daemon().name("lab charges").start(task);
    }
    for (FutureTask<Integer> each : tasks) {
      try {
        int unused = each.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("a guest does not do it: " + e.getCause(), e);
      }
    }
  }

  private static int type(NanoGuest guest, List<String> commands) {
    for (int i = 0; i < commands.size(); i += BATCH) {
      List<String> batch = commands.subList(i, Math.min(commands.size(), i + BATCH));
      String said = guest.commands(batch);
      if (said.split("status 0", -1).length != batch.size() + 1) {
        throw new IllegalStateException(guest.path() + " says: " + said);
      }
    }
    return commands.size();
  }

  @Override
  public void close() {
    guests.forEach(NanoGuest::close);
  }
}
