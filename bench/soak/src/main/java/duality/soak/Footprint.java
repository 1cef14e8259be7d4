package duality.soak;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What the JVM holds after garbage was collected.
 *
 * @param heapBytes of the heap
 * @param metaspaceBytes of classes
 * @param classes loaded classes
 * @param threads threads that live
 * @param maps mappings of the process ({@code /proc/self/maps})
 * @param files open file descriptors
 */
public record Footprint(
    long heapBytes, long metaspaceBytes, int classes, int threads, long maps, long files) {

  /** Collects garbage, twice because of what is freed by references, and looks. */
  static Footprint now() {
    System.gc();
    System.gc();
    long metaspace =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getName().equals("Metaspace"))
            .map(MemoryPoolMXBean::getUsage)
            .mapToLong(usage -> usage.getUsed())
            .sum();
    return new Footprint(
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
        metaspace,
        ManagementFactory.getClassLoadingMXBean().getLoadedClassCount(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        count(Path.of("/proc/self/maps")),
        descriptors());
  }

  private static long count(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.count();
    } catch (IOException e) {
      return 0;
    }
  }

  private static long descriptors() {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    } catch (IOException e) {
      return 0;
    }
  }

  /** In one line. */
  String line() {
    return "heap %.1f MB, metaspace %.1f MB, %d classes, %d threads, %d maps, %d files"
        .formatted(heapBytes / 1e6, metaspaceBytes / 1e6, classes, threads, maps, files);
  }
}
