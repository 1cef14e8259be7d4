package duality.store.sealed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.store.sealed.Changes.Change;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SealFileTest {
  private static final long BYTES = 1 << 20;

  @TempDir private Path folder = Path.of("");

  private Path path() {
    return folder.resolve("disk.seal");
  }

  private static Change change(int block) {
    byte[] entry = new byte[Entry.BYTES];
    Arrays.fill(entry, (byte) block);
    return new Change(block % 2 == 0, block, Entry.of(entry, 0));
  }

  @Test
  void whatIsAddedIsThereWhenItIsOpenedAgain() throws IOException {
    byte[] root = new byte[Tree.HASH_BYTES];
    root[3] = 9;
    try (SealFile seal = SealFile.create(path(), BYTES, new Random(1))) {
      seal.add(List.of(change(1), change(2)));
      seal.force();
      seal.replace(root, List.of(change(3)));
      seal.force();
      seal.add(List.of(change(4)));
    }
    try (SealFile again = SealFile.open(path(), false)) {
      assertArrayEquals(root, again.root());
      assertEquals(List.of(change(3), change(4)), again.changes());
      assertEquals(2, again.records());
    }
  }

  @Test
  void whatAFailedWriteLeftThereHidesNothingThatIsAddedLater() throws IOException {
    try (SealFile seal = SealFile.create(path(), BYTES, new Random(1))) {
      seal.add(List.of(change(1)));
      // As on a file system that was full for a moment.
      Files.write(path(), new byte[20], StandardOpenOption.APPEND);
      seal.add(List.of(change(2), change(3)));
    }
    try (SealFile again = SealFile.open(path(), false)) {
      assertEquals(List.of(change(1), change(2), change(3)), again.changes());
    }
  }
}
