package duality.personality.linux;

import duality.personality.linux.Files.Place;
import duality.personality.linux.SystemCalls.Arguments;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Calls that name files. Everybody is user 0 and may do all; permissions are only noted. */
final class PathCalls {
  private static final int AT_CWD = -100;
  private static final int AT_NOFOLLOW = 0x100;
  private static final int AT_REMOVE_DIRECTORY = 0x200;
  private static final int AT_FOLLOW = 0x400;
  private static final int AT_EMPTY_PATH = 0x1000;

  private static final int CREATE = 0100;
  private static final int EXCLUSIVE = 0200;
  private static final int TRUNCATE = 01000;
  private static final int DIRECTORY_ONLY = 0200000;
  private static final int NO_FOLLOW = 0400000;

  /** Flags of open that an open file keeps. */
  private static final int KEPT = OpenFile.ACCESS | OpenFile.APPEND | OpenFile.NONBLOCK;

  private final Linux linux;

  PathCalls(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(17, "getcwd", this::workingDirectory);
    table.add(33, "mknodat", this::makeNode);
    table.add(34, "mkdirat", this::makeDirectory);
    table.add(35, "unlinkat", this::remove);
    table.add(36, "symlinkat", this::makeSymbolicLink);
    table.add(37, "linkat", this::link);
    table.add(38, "renameat", (caller, a) -> rename(caller, a, 0));
    table.add(43, "statfs", (caller, a) -> system(caller, a, path(caller, AT_CWD, a.get(0), true)));
    table.add(44, "fstatfs", (caller, a) -> system(caller, a, caller.files().get(a.number(0))));
    table.add(45, "truncate", this::truncate);
    table.add(48, "faccessat", this::access);
    table.add(49, "chdir", this::changeDirectory);
    table.add(50, "fchdir", this::changeToOpen);
    table.add(52, "fchmod", (caller, a) -> mode(caller.files().get(a.number(0)).node(), a, 1));
    table.add(53, "fchmodat", (caller, a) -> mode(follow(caller, a).needed(), a, 2));
    table.add(54, "fchownat", (caller, a) -> owner(at(caller, a, (a.get(4) & AT_NOFOLLOW) == 0)));
    table.add(55, "fchown", (caller, a) -> owner(caller.files().get(a.number(0))));
    table.add(56, "openat", this::open);
    table.add(61, "getdents64", this::entries);
    table.add(78, "readlinkat", this::readLink);
    table.add(79, "newfstatat", this::stat);
    table.add(
        80,
        "fstat",
        (caller, a) -> give(caller, a.get(1), Stat.stat(caller.files().get(a.number(0)).node())));
    table.add(88, "utimensat", this::times);
    table.add(276, "renameat2", (caller, a) -> rename(caller, a, a.number(4)));
    table.add(291, "statx", this::statx);
    table.add(439, "faccessat2", this::access);
  }

  // ---- where a call points to ----

  private Directory from(Process caller, int descriptor) throws Failed {
    if (descriptor == AT_CWD) {
      return caller.directory;
    }
    if (caller.files().get(descriptor).node() instanceof Directory directory) {
      return directory;
    }
    throw new Failed(Errno.ENOTDIR);
  }

  private Place path(Process caller, int descriptor, long address, boolean follow) throws Failed {
    String path = caller.memory().readText(address);
    Directory start = path.startsWith("/") ? caller.directory : from(caller, descriptor);
    return linux.files().find(caller, start, path, follow);
  }

  /** The path of the first two arguments. */
  private Place at(Process caller, Arguments a, boolean follow) throws Failed {
    return path(caller, a.number(0), a.get(1), follow);
  }

  private Place follow(Process caller, Arguments a) throws Failed {
    return at(caller, a, true);
  }

  /** The node of the first two arguments, or of the descriptor alone. */
  private Node node(Process caller, Arguments a, int flags) throws Failed {
    boolean empty = (flags & AT_EMPTY_PATH) != 0 && caller.memory().readText(a.get(1)).isEmpty();
    if (!empty) {
      return at(caller, a, (flags & AT_NOFOLLOW) == 0).needed();
    }
    return a.number(0) == AT_CWD ? caller.directory : caller.files().get(a.number(0)).node();
  }

  private static long give(Process caller, long address, ByteBuffer numbers) throws Failed {
    caller.memory().write(address, numbers);
    return 0;
  }

  // ---- open ----

  private long open(Process caller, Arguments a) throws Failed {
    int flags = a.number(2);
    boolean follow =
        (flags & NO_FOLLOW) == 0 && (flags & (CREATE | EXCLUSIVE)) != (CREATE | EXCLUSIVE);
    Place place = at(caller, a, follow);
    Node node = place.node();
    if (node == null && (flags & CREATE) != 0) {
      node = linux.files().makeFile(place, a.number(3) & ~caller.mask);
    } else if (node != null && (flags & (CREATE | EXCLUSIVE)) == (CREATE | EXCLUSIVE)) {
      return Errno.EEXIST;
    }
    node = node == null ? place.needed() : node;
    boolean writes = (flags & OpenFile.ACCESS) != OpenFile.READ_ONLY;
    if (node instanceof SymbolicLink) {
      return Errno.ELOOP;
    }
    if (node instanceof Directory ? writes : (flags & DIRECTORY_ONLY) != 0) {
      return node instanceof Directory ? Errno.EISDIR : Errno.ENOTDIR;
    }
    if (node instanceof RegularFile file && writes && (flags & TRUNCATE) != 0) {
      file.resize(0, linux.seconds());
    }
    OpenFile open = open(node, flags & KEPT);
    return caller.files().add(open, 0, (flags & DescriptorCalls.CLOSE_ON_EXEC) != 0);
  }

  private OpenFile open(Node node, int flags) throws Failed {
    if (node instanceof Device device && device.kind == Device.Kind.TERMINAL) {
      if (!linux.terminal().interactive()) {
        throw new Failed(Errno.ENXIO);
      }
      return new TerminalFile(linux.terminal(), node, flags);
    }
    return new OpenNode(linux, node, flags);
  }

  // ---- directories ----

  private long workingDirectory(Process caller, Arguments a) throws Failed {
    byte[] path =
        (linux.files().path(caller.directory) + "\0").getBytes(StandardCharsets.ISO_8859_1);
    if (a.get(1) < path.length) {
      return Errno.ERANGE;
    }
    caller.memory().write(a.get(0), path);
    return path.length;
  }

  private long changeDirectory(Process caller, Arguments a) throws Failed {
    if (!(path(caller, AT_CWD, a.get(0), true).needed() instanceof Directory directory)) {
      return Errno.ENOTDIR;
    }
    caller.directory = directory;
    return 0;
  }

  private long changeToOpen(Process caller, Arguments a) throws Failed {
    caller.directory = from(caller, a.number(0));
    return 0;
  }

  private long makeDirectory(Process caller, Arguments a) throws Failed {
    linux.files().makeDirectory(at(caller, a, false), a.number(2) & ~caller.mask);
    return 0;
  }

  private long entries(Process caller, Arguments a) throws Failed {
    if (!(caller.files().get(a.number(0)) instanceof OpenNode open
        && open.node() instanceof Directory directory)) {
      return Errno.ENOTDIR;
    }
    List<Map.Entry<String, Node>> all = new ArrayList<>();
    all.add(Map.entry(".", directory));
    all.add(Map.entry("..", directory.parent));
    all.addAll(linux.files().entries(caller, directory).entrySet());
    ByteBuffer room = UserMemory.numbers((int) Math.clamp(a.get(2), 0, 32_768));
    long next = open.position;
    while (next < all.size()) {
      Map.Entry<String, Node> entry = all.get((int) next);
      byte[] name = entry.getKey().getBytes(StandardCharsets.ISO_8859_1);
      int length = 19 + name.length + 8 & ~7;
      if (room.remaining() < length) {
        break;
      }
      int start = room.position();
      Node node = entry.getValue();
      room.putLong(node.number).putLong(next + 1).putShort((short) length);
      room.put((byte) (node.type() >> 12)).put(name);
      room.position(start + length);
      next++;
    }
    if (room.position() == 0 && next < all.size()) {
      return Errno.EINVAL;
    }
    caller.memory().write(a.get(1), room.array(), 0, room.position());
    open.position = next;
    return room.position();
  }

  // ---- names ----

  private long makeNode(Process caller, Arguments a) throws Failed {
    int type = a.number(2) & Node.TYPE;
    if (type != 0 && type != Node.REGULAR) {
      return Errno.EPERM;
    }
    linux.files().makeFile(at(caller, a, false), a.number(2) & ~caller.mask);
    return 0;
  }

  private long remove(Process caller, Arguments a) throws Failed {
    linux.files().remove(at(caller, a, false), (a.get(2) & AT_REMOVE_DIRECTORY) != 0);
    return 0;
  }

  private long makeSymbolicLink(Process caller, Arguments a) throws Failed {
    String target = caller.memory().readText(a.get(0));
    if (target.isEmpty()) {
      return Errno.ENOENT;
    }
    linux.files().makeLink(path(caller, a.number(1), a.get(2), false), target);
    return 0;
  }

  private long link(Process caller, Arguments a) throws Failed {
    Node node = at(caller, a, (a.get(4) & AT_FOLLOW) != 0).needed();
    if (node instanceof Directory) {
      return Errno.EPERM;
    }
    linux.files().put(path(caller, a.number(2), a.get(3), false), node);
    node.links++;
    return 0;
  }

  private long rename(Process caller, Arguments a, int flags) throws Failed {
    if ((flags & ~1) != 0) {
      return Errno.EINVAL;
    }
    Place from = at(caller, a, false);
    linux.files().rename(from, path(caller, a.number(2), a.get(3), false), flags == 0);
    return 0;
  }

  private long readLink(Process caller, Arguments a) throws Failed {
    if (!(at(caller, a, false).needed() instanceof SymbolicLink link) || a.get(3) <= 0) {
      return Errno.EINVAL;
    }
    byte[] target = link.target.getBytes(StandardCharsets.ISO_8859_1);
    int length = (int) Math.min(target.length, a.get(3));
    caller.memory().write(a.get(2), target, 0, length);
    return length;
  }

  // ---- what is known of a file ----

  private long stat(Process caller, Arguments a) throws Failed {
    return give(caller, a.get(2), Stat.stat(node(caller, a, a.number(3))));
  }

  private long statx(Process caller, Arguments a) throws Failed {
    return give(caller, a.get(4), Stat.statx(node(caller, a, a.number(2))));
  }

  private long access(Process caller, Arguments a) throws Failed {
    Node node = follow(caller, a).needed();
    boolean executes = (a.get(2) & 1) != 0;
    return executes && !(node instanceof Directory) && (node.mode & 0111) == 0 ? Errno.EACCES : 0;
  }

  private long mode(Node node, Arguments a, int argument) {
    node.mode = node.mode & Node.TYPE | a.number(argument) & 07777;
    node.changed = linux.seconds();
    return 0;
  }

  /** Everything is user 0's and stays so. */
  private static long owner(Place place) throws Failed {
    place.needed();
    return 0;
  }

  private static long owner(OpenFile open) {
    return open.node() instanceof PipeNode ? Errno.EINVAL : 0;
  }

  private long truncate(Process caller, Arguments a) throws Failed {
    if (!(path(caller, AT_CWD, a.get(0), true).needed() instanceof RegularFile file)) {
      return Errno.EINVAL;
    }
    file.resize(a.get(1), linux.seconds());
    return 0;
  }

  private long times(Process caller, Arguments a) throws Failed {
    Node node =
        a.get(1) == 0 ? caller.files().get(a.number(0)).node() : node(caller, a, a.number(3));
    if (a.get(2) == 0) {
      node.changed = linux.seconds();
    } else {
      ByteBuffer times = caller.memory().readNumbers(a.get(2), 32);
      boolean now = times.getLong(24) == 0x3fffffff; // UTIME_NOW
      boolean kept = times.getLong(24) == 0x3ffffffe; // UTIME_OMIT
      node.changed = kept ? node.changed : now ? linux.seconds() : times.getLong(16);
    }
    return 0;
  }

  private long system(Process caller, Arguments a, Object exists) throws Failed {
    if (exists instanceof Place place) {
      place.needed();
    }
    return give(caller, a.get(1), Stat.system(linux.memory()));
  }
}
