package duality.shell.lab;

import duality.kernel.Server;
import duality.servers.Swapper;
import duality.shell.command.CommandFailed;
import duality.shell.lab.Experiment.Finding;
import duality.shell.lab.HostileDisk.Wrong;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.osgi.framework.ServiceRegistration;

/**
 * A guest's disk is sealed ({@code store.sealed}), and while the guest runs the store below it is
 * replaced by one that does wrong. What the guest then reads is right, or an I/O error.
 */
final class Tampering {
  private static final int DISK_BYTES = 1 << 20;
  private static final int PLACES = 16;
  private static final int SECTORS = 8;
  private static final long SEED = 20_261;

  private final Trial trial;
  private final Random random = new Random(SEED);
  private int honest;
  private int falseAlarms;
  private int wrongData;

  Tampering(Trial trial) {
    this.trial = trial;
  }

  /** Does each wrong thing so often. */
  List<Finding> run(int rounds) throws Exception {
    Path file = trial.folder().resolve("sealed");
    Files.write(file, new byte[DISK_BYTES]);
    HostileDisk hostile = new HostileDisk(file);
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(Server.NAME, HostileDisk.SERVER);
    properties.put(Server.PROTOCOL, "duality.drivers.RawStore");
    ServiceRegistration<Server> registered =
        trial.context().registerService(Server.class, hostile, properties);
    try (NanoGuest guest =
        new NanoGuest(
            trial.root(),
            "lab-sealed",
            trial.boot("nano"),
            file,
            "",
            Map.of("store0", "store.sealed"))) {
      guest.boot();
      for (int place = 0; place < PLACES; place++) {
        require(put(guest, place, 1), "the guest cannot write its disk");
      }
      Swapper.Swap swap =
          trial
              .swapper()
              .swapAll(
                  List.of(
                      new Swapper.Move(guest.path() + "/store0/raw", HostileDisk.SERVER, true)));
      require(swap.done(), "the store below is not replaced: " + swap.outcome());
      return findings(guest, hostile, rounds);
    } finally {
      registered.unregister();
      Files.deleteIfExists(file);
      Files.deleteIfExists(Path.of(file + ".seal"));
    }
  }

  private static void require(boolean so, String otherwise) throws CommandFailed {
    if (!so) {
      throw new CommandFailed(otherwise);
    }
  }

  private List<Finding> findings(NanoGuest guest, HostileDisk hostile, int rounds)
      throws Exception {
    List<Finding> findings = new ArrayList<>();
    int all = 0;
    int noticed = 0;
    for (Wrong wrong : Wrong.values()) {
      if (wrong == Wrong.NOTHING) {
        continue;
      }
      int seen = 0;
      for (int i = 0; i < rounds; i++) {
        trial.cancellation().check();
        seen += isNoticed(guest, hostile, wrong) ? 1 : 0;
      }
      all += rounds;
      noticed += seen;
      trial.say().accept("the store below " + wrong.words + ": " + seen + " of " + rounds);
      findings.add(
          Finding.of(
              "the store below " + wrong.words,
              rounds + " of " + rounds + " times noticed",
              seen + " of " + rounds,
              seen == rounds));
    }
    findings.add(
        Finding.of(
            "tamperings that were noticed", "100 %", noticed + " of " + all, noticed == all));
    findings.add(
        Finding.of("reads that gave wrong data", "0", Integer.toString(wrongData), wrongData == 0));
    findings.add(
        Finding.of(
            "reads that were refused while the store below was honest",
            "0 of " + honest,
            Integer.toString(falseAlarms),
            falseAlarms == 0));
    return findings;
  }

  /** Writes twice, has it done wrong, reads; and reads again what is right. */
  private boolean isNoticed(NanoGuest guest, HostileDisk hostile, Wrong wrong)
      throws CommandFailed {
    int place = 1 + random.nextInt(PLACES - 1);
    int seed = 1 + random.nextInt(1 << 20);
    require(put(guest, place, seed), "the guest cannot write its disk");
    if (wrong == Wrong.LOSES) {
      hostile.does(wrong);
      require(put(guest, place, seed + 1), "a write that is lost fails");
      hostile.does(Wrong.NOTHING);
      boolean noticed = refused(guest.command(get(place)), seed + 1);
      require(put(guest, place, seed), "the guest cannot write its disk");
      honestly(guest, place, seed);
      return noticed;
    }
    honestly(guest, place, seed);
    hostile.does(wrong);
    String said = guest.command(get(place));
    hostile.does(Wrong.NOTHING);
    honestly(guest, place, seed);
    return refused(said, seed);
  }

  private static boolean put(NanoGuest guest, int place, int seed) {
    return guest
        .command("put " + place * SECTORS + " " + SECTORS + " " + seed)
        .endsWith("status 0");
  }

  private static String get(int place) {
    return "get " + place * SECTORS + " " + SECTORS;
  }

  private boolean refused(String said, int seed) {
    if (said.endsWith("status 0") && !said.contains(sum(seed))) {
      wrongData++;
    }
    return !said.endsWith("status 0");
  }

  private void honestly(NanoGuest guest, int place, int seed) {
    honest++;
    String said = guest.command(get(place));
    if (!said.endsWith("status 0")) {
      falseAlarms++;
    } else if (!said.contains(sum(seed))) {
      wrongData++;
    }
  }

  /** The sum that the guest prints of what it has written with that seed. */
  static String sum(int seed) {
    long value = seed;
    long sum = 0x9e3779b97f4a7c15L;
    for (int i = 0; i < SECTORS * 512 / 8; i++) {
      value = value * 0x5851f42d4c957f2dL + 0x14057b7ef767814fL;
      sum = (sum ^ value) * 0xd1342543de82ef95L;
      sum ^= sum >>> 29;
    }
    return "= 0x" + Long.toHexString(sum) + ":";
  }
}
