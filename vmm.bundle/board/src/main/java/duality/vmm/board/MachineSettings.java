package duality.vmm.board;

import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Notification;
import duality.kernel.Router;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A machine's configuration, checked.
 *
 * @param memoryBytes guest memory
 * @param kernel host file with the kernel; empty when there is firmware that needs none
 * @param firmware host file with the firmware; {@link #NO_FIRMWARE} for a kernel that starts in
 *     M-mode itself; empty for the monitor's own SBI
 * @param initrd host file with the initial RAM disk, or empty
 * @param commandLine the kernel's command line
 * @param cpus number of harts
 * @param disks block devices, first one first
 * @param networks the network of each card, by its number; empty where there is no card
 * @param random whether there is a source of randomness
 * @param legacy whether its virtio devices are of before VIRTIO 1.0
 * @param image name of the guest image, for reports
 * @param weight each hart's share of processors
 * @param engine name of the engine, or empty for the default one
 * @param agent whether there is a console port for an agent
 */
record MachineSettings(
    long memoryBytes,
    String kernel,
    String firmware,
    String initrd,
    String commandLine,
    int cpus,
    List<Disk> disks,
    List<String> networks,
    boolean random,
    boolean legacy,
    String image,
    int weight,
    String engine,
    boolean agent) {
  /**
   * A block device.
   *
   * @param slot its virtio-mmio transport, and its number
   * @param file the host file
   * @param readOnly whether the guest may not write
   * @param store server of its store; empty for the routed one
   */
  record Disk(int slot, String file, boolean readOnly, String store) {
    /** What the store is told. */
    Map<String, String> config() {
      Map<String, String> config =
          new HashMap<>(Map.of("file", file, "readonly", Boolean.toString(readOnly)));
      if (!store.isEmpty()) {
        config.put("server", store);
      }
      return config;
    }

    /**
     * What the store gets. One that somebody chose may need memory of its own: the right to ask
     * root for that goes to it, and not to others.
     */
    Map<String, Object> endowment(Context context, Notification events) {
      return store.isEmpty() || !context.has(ROOT)
          ? Map.of(Slots.EVENTS, events)
          : Map.of(Slots.EVENTS, events, ROOT, context.slot(ROOT, Router.class));
    }
  }

  private static final String ROOT = "root";

  /** There is nothing below the kernel: it starts in M-mode. */
  static final String NO_FIRMWARE = "none";

  /** Key: how many harts. */
  static final String CPUS = "cpus";

  /** Most harts. */
  static final int MOST_CPUS = 8;

  static final long PAGE = 4096;
  static final long LEAST_MEMORY = 4L << 20;
  static final long MOST_MEMORY = 64L << 30;
  static final long DEFAULT_MEMORY = 512L << 20;

  /** Linux on RISC-V has room for 1,024 bytes, the zero at the end included, and cuts silently. */
  static final int MOST_COMMAND_LINE = 1023;

  private static final String READ_ONLY = ",ro";
  private static final String NETWORK = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";

  /**
   * Reads and checks.
   *
   * @throws CallFailed.BadRequest when a value makes no sense; the message names the key
   */
  static MachineSettings of(Map<String, String> config) {
    long memory = number(config, "memory", 0, Long.MAX_VALUE, DEFAULT_MEMORY);
    if (memory < LEAST_MEMORY || memory > MOST_MEMORY) {
      throw wrong("memory", size(memory) + "; from 4M to 64G are possible");
    }
    if (memory % PAGE != 0) {
      throw wrong("memory", memory + " bytes, which is no multiple of " + PAGE);
    }
    String kernel = config.getOrDefault("kernel", "");
    String firmware = config.getOrDefault("firmware", "");
    if (kernel.isEmpty() && (firmware.isEmpty() || firmware.equals(NO_FIRMWARE))) {
      throw wrong("kernel", "missing; name the file to boot");
    }
    String commandLine = config.getOrDefault("append", "").strip();
    int length = commandLine.getBytes(StandardCharsets.UTF_8).length;
    if (length > MOST_COMMAND_LINE) {
      throw wrong("append", length + " bytes long; a kernel takes " + MOST_COMMAND_LINE);
    }
    if (commandLine.indexOf(0) >= 0) {
      throw wrong("append", "a text with a zero character in it");
    }
    return new MachineSettings(
        memory,
        kernel,
        firmware,
        config.getOrDefault("initrd", ""),
        commandLine,
        (int) number(config, CPUS, 1, MOST_CPUS, 1),
        disks(config),
        networks(config),
        flag(config, "rng", false),
        flag(config, "legacy", false),
        config.getOrDefault("image", ""),
        (int) number(config, "weight", 1, 10_000, 100),
        config.getOrDefault("engine", ""),
        flag(config, "agent", true));
  }

  /** Whether the harts start in M-mode, as if switched on. */
  boolean startsInMachineMode() {
    return !firmware.isEmpty();
  }

  private static List<Disk> disks(Map<String, String> config) {
    List<Disk> disks = new ArrayList<>();
    for (String key : config.keySet()) {
      if (key.matches("disk.*") && !key.matches("disk[0-" + (Board.PORTS_SLOT - 1) + "]")) {
        throw wrong(
            key, "no disk of this machine: they are disk0 to disk" + (Board.PORTS_SLOT - 1));
      }
    }
    for (String key : config.keySet()) {
      if (key.matches("store.*") && !config.containsKey(key.replaceFirst("store", "disk"))) {
        throw wrong(key, "the store of no disk of this machine");
      }
    }
    for (int slot = 0; slot < Board.PORTS_SLOT; slot++) {
      String file = config.get("disk" + slot);
      if (file == null) {
        continue;
      }
      boolean readOnly = file.endsWith(READ_ONLY);
      if (readOnly) {
        file = file.substring(0, file.length() - READ_ONLY.length());
      }
      if (file.isEmpty()) {
        throw wrong("disk" + slot, "empty; name a file");
      }
      disks.add(new Disk(slot, file, readOnly, config.getOrDefault("store" + slot, "")));
    }
    return List.copyOf(disks);
  }

  private static List<String> networks(Map<String, String> config) {
    List<String> networks = new ArrayList<>();
    for (String key : config.keySet()) {
      if (key.matches("net.*") && !key.matches("net[0-" + (Board.MOST_CARDS - 1) + "]")) {
        throw wrong(key, "no card of this machine: they are net0 to net" + (Board.MOST_CARDS - 1));
      }
    }
    for (int number = 0; number < Board.MOST_CARDS; number++) {
      String network = config.getOrDefault("net" + number, "");
      if (config.containsKey("net" + number) && !network.matches(NETWORK)) {
        throw wrong(
            "net" + number,
            "'" + network + "'; the name of a network is of letters, digits, '.', '_', '-'");
      }
      networks.add(network);
    }
    return List.copyOf(networks);
  }

  private static long number(
      Map<String, String> config, String key, long least, long most, long otherwise) {
    String text = config.get(key);
    if (text == null) {
      return otherwise;
    }
    try {
      long n = Long.parseLong(text.strip());
      if (n >= least && n <= most) {
        return n;
      }
    } catch (NumberFormatException notANumber) {
      // Told below, like a number out of bounds.
    }
    throw wrong(key, "'" + text + "'; a number from " + least + " to " + most + " is needed");
  }

  /** A size with the largest unit that leaves it a whole number. */
  private static String size(long bytes) {
    int unit = 0;
    long whole = bytes;
    while (whole >= 1024 && whole % 1024 == 0 && unit < 4) {
      whole /= 1024;
      unit++;
    }
    return unit == 0 ? whole + " bytes" : whole + "KMGT".substring(unit - 1, unit);
  }

  private static boolean flag(Map<String, String> config, String key, boolean otherwise) {
    String text = config.getOrDefault(key, Boolean.toString(otherwise)).strip();
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    throw wrong(key, "'" + text + "'; true or false is needed");
  }

  private static CallFailed.BadRequest wrong(String key, String how) {
    return new CallFailed.BadRequest("machine setting '" + key + "' is " + how);
  }
}
