package duality.shell.lab;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Debian on one of the monitors. */
final class LinuxBench implements Workbench {
  private static final long DISK_BYTES = 1 << 20;

  private final LinuxGuest guest;
  private final String structure;

  /**
   * Boots it.
   *
   * @param program the static program {@code ops}
   */
  LinuxBench(Trial trial, String structure, Path program) throws Exception {
    this.structure = structure;
    guest =
        new LinuxGuest(
            trial,
            "curve-" + structure,
            program,
            trial.folder().resolve("scratch-" + structure),
            DISK_BYTES,
            "vmm." + structure);
  }

  @Override
  public String structure() {
    return structure;
  }

  @Override
  public List<String> endpoints() {
    return Stream.of(
            "",
            "/pager",
            "/plic",
            "/uart",
            "/console",
            "/rtc",
            "/blk0",
            "/blk1",
            "/store0",
            "/store1")
        .map(guest.path()::concat)
        .toList();
  }

  @Override
  public List<String> handlers() {
    return List.of(guest.path());
  }

  @Override
  public void run(Work work) throws Exception {
    String unused =
        guest.exec(
            switch (work.kind()) {
              case NOTHING -> ":";
              case NULL_CALL -> "/tmp/ops null " + work.operations();
              case SCRIPT -> Workbench.script(work.operations());
              case COPY -> "/tmp/ops copy " + work.operations() + " /dev/vdb";
              case TABLES -> throw new IllegalArgumentException(work + " is for kernels");
            });
  }

  @Override
  public void close() {
    guest.close();
  }
}
