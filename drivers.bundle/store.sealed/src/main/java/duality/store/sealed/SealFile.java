package duality.store.sealed;

import duality.store.sealed.Changes.Change;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32;

/**
 * A seal in a file of the host: key, size of the store below, hash of the root, and a list of
 * changes since, to which records are added. The file is small: 100 bytes and 48 for each record.
 *
 * <p>Numbers are big-endian. Checksums find what a host that stopped left half written, and nothing
 * else: the file is trusted.
 *
 * <p><em>Concurrency:</em> none; used by one thread at a time.
 */
final class SealFile implements Seal, AutoCloseable {
  static final int DISK_BYTES = 16;

  private static final long MAGIC = 0x4453_4541_4c00_0001L; // "DSEAL", version 1
  private static final int HEADER_BYTES =
      8 + DISK_BYTES + BlockCipher.KEY_BYTES + 8 + Tree.HASH_BYTES + 4;
  private static final int RECORD_BYTES = 48;
  private static final byte SETTLED = 1;
  private static final byte PERHAPS = 2;
  private static final String FRESH = ".new";

  private final Path path;
  private final byte[] disk;
  private final byte[] key;
  private final long rawBytes;
  private byte[] root;
  private List<Change> changes;
  private FileChannel channel;

  /** How many records it has. */
  private long records;

  /** It was put into the place of another file, and the host may not have remembered that yet. */
  private boolean moved;

  private SealFile(
      Path path,
      byte[] disk,
      byte[] key,
      long rawBytes,
      byte[] root,
      List<Change> changes,
      FileChannel channel) {
    this.path = path;
    this.disk = disk;
    this.key = key;
    this.rawBytes = rawBytes;
    this.root = root;
    this.changes = changes;
    this.channel = channel;
    records = changes.size();
  }

  /**
   * Opens a seal.
   *
   * @throws IOException when it is none, or cannot be read
   */
  static SealFile open(Path path, boolean readOnly) throws IOException {
    FileChannel channel =
        readOnly
            ? FileChannel.open(path, StandardOpenOption.READ)
            : FileChannel.open(path, StandardOpenOption.APPEND);
    boolean opened = false;
    try {
      SealFile seal = read(path, channel);
      long whole = HEADER_BYTES + seal.records * RECORD_BYTES;
      if (!readOnly && channel.size() > whole) {
        channel.truncate(whole);
      }
      opened = true;
      return seal;
    } finally {
      if (!opened) {
        channel.close();
      }
    }
  }

  private static SealFile read(Path path, FileChannel channel) throws IOException {
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(path));
    if (all.remaining() < HEADER_BYTES
        || all.getLong(0) != MAGIC
        || all.getInt(HEADER_BYTES - 4) != checksum(all.array(), 0, HEADER_BYTES - 4)) {
      throw new IOException(path + " is no seal of a disk, or a broken one");
    }
    byte[] disk = new byte[DISK_BYTES];
    byte[] key = new byte[BlockCipher.KEY_BYTES];
    byte[] root = new byte[Tree.HASH_BYTES];
    all.position(8).get(disk).get(key);
    long rawBytes = all.getLong();
    all.get(root);
    List<Change> changes = new ArrayList<>();
    int at = HEADER_BYTES;
    // What is broken was being added when the host stopped.
    while (at + RECORD_BYTES <= all.capacity()
        && all.getInt(at + RECORD_BYTES - 4) == checksum(all.array(), at, RECORD_BYTES - 4)) {
      changes.add(
          new Change(all.get(at) == SETTLED, all.getLong(at + 1), Entry.of(all.array(), at + 9)));
      at += RECORD_BYTES;
    }
    return new SealFile(path, disk, key, rawBytes, root, changes, channel);
  }

  /** Makes the seal of a new disk, on which nothing was ever written. */
  static SealFile create(Path path, long rawBytes, RandomGenerator random) throws IOException {
    byte[] disk = new byte[DISK_BYTES];
    byte[] key = new byte[BlockCipher.KEY_BYTES];
    random.nextBytes(disk);
    random.nextBytes(key);
    byte[] root = new byte[Tree.HASH_BYTES];
    if (Files.exists(path)) {
      throw new IOException(path + " is there already");
    }
    FileChannel channel = fresh(path, disk, key, rawBytes, root, List.of());
    SealFile seal = new SealFile(path, disk, key, rawBytes, root, List.of(), channel);
    seal.moved = true;
    return seal;
  }

  /** Writes a whole file beside the present one, and puts it into its place. */
  private static FileChannel fresh(
      Path path, byte[] disk, byte[] key, long rawBytes, byte[] root, List<Change> changes)
      throws IOException {
    ByteBuffer all = ByteBuffer.allocate(HEADER_BYTES + changes.size() * RECORD_BYTES);
    all.putLong(MAGIC).put(disk).put(key).putLong(rawBytes).put(root);
    all.putInt(checksum(all.array(), 0, HEADER_BYTES - 4));
    changes.forEach(each -> put(all, each));
    Path beside = Path.of(path + FRESH);
    Files.deleteIfExists(beside);
    FileChannel channel =
        FileChannel.open(beside, StandardOpenOption.CREATE_NEW, StandardOpenOption.APPEND);
    boolean done = false;
    try {
      if (beside.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        Files.setPosixFilePermissions(beside, PosixFilePermissions.fromString("rw-------"));
      }
      write(channel, all.flip());
      channel.force(true);
      Files.move(beside, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      done = true;
    } finally {
      if (!done) {
        channel.close();
      }
    }
    return channel;
  }

  private static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void put(ByteBuffer to, Change change) {
    int at = to.position();
    byte[] entry = new byte[Entry.BYTES];
    change.entry().copyTo(entry, 0);
    to.put(change.settled() ? SETTLED : PERHAPS).putLong(change.block()).put(entry);
    to.position(at + RECORD_BYTES - 4);
    to.putInt(checksum(to.array(), at, RECORD_BYTES - 4));
  }

  private static int checksum(byte[] bytes, int at, int length) {
    CRC32 crc = new CRC32();
    crc.update(bytes, at, length);
    return (int) crc.getValue();
  }

  /** Identity of the disk. */
  byte[] disk() {
    return disk.clone();
  }

  /** The key. */
  byte[] key() {
    return key.clone();
  }

  /** What the store below has. */
  long rawBytes() {
    return rawBytes;
  }

  /** How many records of changes it has. */
  long records() {
    return records;
  }

  @Override
  public byte[] root() {
    return root.clone();
  }

  /** Those that it had when it was opened. */
  @Override
  public List<Change> changes() {
    return changes;
  }

  @Override
  public void add(List<Change> more) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(more.size() * RECORD_BYTES);
    more.forEach(each -> put(bytes, each));
    // A part of a record that could not be added would hide all behind it.
    long whole = HEADER_BYTES + records * RECORD_BYTES;
    if (channel.size() > whole) {
      channel.truncate(whole);
    }
    write(channel, bytes.flip());
    records += more.size();
  }

  @Override
  public void force() throws IOException {
    channel.force(false);
    if (moved) {
      forceName();
      moved = false;
    }
  }

  /** Makes durable under which name the file is; hosts without POSIX have no call for that. */
  private void forceName() throws IOException {
    if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Path folder = path.toAbsolutePath().getParent();
      try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
        names.force(true);
      }
    }
  }

  @Override
  public void replace(byte[] nextRoot, List<Change> left) throws IOException {
    FileChannel old = channel;
    channel = fresh(path, disk, key, rawBytes, nextRoot, left);
    root = nextRoot.clone();
    changes = List.copyOf(left);
    records = left.size();
    moved = true;
    close(old);
  }

  @Override
  public void close() {
    Arrays.fill(key, (byte) 0);
    close(channel);
  }

  private static void close(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing of ours is buffered, so nothing is lost.
    }
  }
}
