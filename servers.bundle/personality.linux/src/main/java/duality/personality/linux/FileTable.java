package duality.personality.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The file descriptors of a process. */
final class FileTable {
  /** How many a process may have. */
  static final int MOST = 256;

  /** A descriptor: where it leads, and whether exec closes it. */
  record Descriptor(OpenFile file, boolean closedByExec) {}

  private final TreeMap<Integer, Descriptor> table = new TreeMap<>();

  /**
   * The open file of a descriptor.
   *
   * @throws Failed EBADF when there is none
   */
  OpenFile get(int number) throws Failed {
    return descriptor(number).file();
  }

  Descriptor descriptor(int number) throws Failed {
    Descriptor found = table.get(number);
    if (found == null) {
      throw new Failed(Errno.EBADF);
    }
    return found;
  }

  /**
   * Puts a file at the lowest free number that is at least {@code least}; answers the number.
   *
   * @throws Failed EMFILE when it has too many; the file is closed then, if nobody else has it
   */
  int add(OpenFile file, int least, boolean closedByExec) throws Failed {
    int number = Math.max(0, least);
    while (table.containsKey(number)) {
      number++;
    }
    if (number >= MOST) {
      file.retain();
      file.release();
      throw new Failed(least >= MOST ? Errno.EINVAL : Errno.EMFILE);
    }
    put(number, file, closedByExec);
    return number;
  }

  /** Puts a file at a number, in the place of what is there. */
  void put(int number, OpenFile file, boolean closedByExec) throws Failed {
    if (number < 0 || number >= MOST) {
      throw new Failed(Errno.EBADF);
    }
    file.retain();
    Descriptor before = table.put(number, new Descriptor(file, closedByExec));
    if (before != null) {
      before.file().release();
    }
  }

  /** Whether exec closes a descriptor. */
  void closedByExec(int number, boolean wanted) throws Failed {
    table.put(number, new Descriptor(get(number), wanted));
  }

  /** Closes a descriptor. */
  void close(int number) throws Failed {
    @Nullable Descriptor gone = table.remove(number);
    if (gone == null) {
      throw new Failed(Errno.EBADF);
    }
    gone.file().release();
  }

  /** Closes what exec closes, or all. */
  void close(boolean all) {
    List<Descriptor> closing = new ArrayList<>();
    table.values().removeIf(each -> (all || each.closedByExec()) && closing.add(each));
    closing.forEach(each -> each.file().release());
  }

  /** The same descriptors, for a child. */
  void fork(FileTable child) {
    table.forEach(
        (number, each) -> {
          each.file().retain();
          child.table.put(number, each);
        });
  }

  /** All, by number. */
  Map<Integer, Descriptor> all() {
    return table;
  }
}
