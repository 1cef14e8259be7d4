package duality.faults;

import java.io.IOException;
import java.nio.file.Path;

/** Where the build has put the exported system. */
final class SystemUnderTest {
  private SystemUnderTest() {}

  static Installation unpack(Path folder) throws IOException {
    return new Installation(
        Path.of(System.getProperty("duality.jar")),
        Path.of(System.getProperty("duality.faults.jar")),
        folder,
        false);
  }
}
