package duality.launch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrderlyEndTest {

  @Test
  void removesTheFolderOfTheRunAndNothingBesideIt(@TempDir Path temp) throws IOException {
    Path run = Files.createDirectories(temp.resolve("run"));
    Path beside = Files.writeString(temp.resolve("beside"), "stays");
    Files.createDirectories(run.resolve("felix/bundle0"));
    Files.writeString(run.resolve("felix/bundle0/bundle.id"), "0");
    Files.createSymbolicLink(run.resolve("link"), beside);

    OrderlyEnd.remove(run);

    assertTrue(Files.notExists(run), "the folder of the run must be gone");
    assertTrue(Files.exists(beside), "a file that a link in the run folder points to must stay");
  }
}
