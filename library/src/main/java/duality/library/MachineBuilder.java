package duality.library;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Settings of a {@link Machine}. Each method changes this builder and answers it. */
public final class MachineBuilder {
  private static final Duration WITHIN = Duration.ofMinutes(2);

  private final Map<String, Object> settings = new HashMap<>();
  private final List<String> disks = new ArrayList<>();

  MachineBuilder(String what, String value) {
    settings.put(what, value);
    within(WITHIN);
  }

  /** Guest memory in bytes, a multiple of 4,096; what the image suggests when not said. */
  public MachineBuilder memory(long bytes) {
    settings.put("memory", bytes);
    return this;
  }

  /** Harts, 1 when not said. */
  public MachineBuilder cpus(int count) {
    settings.put("cpus", count);
    return this;
  }

  /** Words behind the kernel's command line. */
  public MachineBuilder append(String words) {
    settings.put("append", words);
    return this;
  }

  /** One more disk: a file of the host, which the guest may write. */
  public MachineBuilder disk(Path file) {
    disks.add(file.toAbsolutePath().toString());
    return this;
  }

  /** One more disk that the guest may only read. */
  public MachineBuilder readOnlyDisk(Path file) {
    disks.add(file.toAbsolutePath() + ",ro");
    return this;
  }

  /** With a kernel of one's own: the initial RAM disk. */
  public MachineBuilder initrd(Path file) {
    settings.put("initrd", file.toAbsolutePath().toString());
    return this;
  }

  /** With a kernel of one's own: firmware that starts in M-mode before it. */
  public MachineBuilder firmware(Path file) {
    settings.put("firmware", file.toAbsolutePath().toString());
    return this;
  }

  /** With a kernel of one's own: the text on the console that says its guest is up. */
  public MachineBuilder readyAt(String text) {
    settings.put("readyLine", text);
    return this;
  }

  /** How long the guest may take until it is up: two minutes when not said. */
  public MachineBuilder within(Duration most) {
    settings.put("withinMillis", most.toMillis());
    return this;
  }

  /**
   * Boots, and waits until the guest is up.
   *
   * @throws MachineException when the image cannot be had, or the guest does not come up; its
   *     message has the end of the console's text
   */
  public Machine boot() {
    Map<String, Object> all = new HashMap<>(settings);
    all.put("disks", List.copyOf(disks));
    return Machine.boot(all);
  }
}
