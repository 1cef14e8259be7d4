package duality.personality.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The file system: a root in memory, and how names lead to what is in it. */
final class Files {
  private static final int MOST_LINKS = 40;
  private static final int MOST_NAME = 255;
  private static final int MOST_NODES = 65_536;

  private final Linux linux;
  private final Proc proc;
  private Directory root;

  /** The number of the node that was made last. */
  long lastNumber;

  private int nodes;

  /** Files without a name that were mapped: they may be wanted still. */
  final List<RegularFile> orphans = new ArrayList<>();

  Files(Linux linux) {
    this.linux = linux;
    this.proc = new Proc(linux);
    this.root =
        new Directory(++lastNumber, 0755, linux.clock().nanos(TaskClock.REALTIME) / 1_000_000_000);
  }

  Directory root() {
    return root;
  }

  void root(Directory restored) {
    root = restored;
  }

  /**
   * Where a name leads.
   *
   * @param directory the last directory on the way
   * @param name in it; "." when the path is that directory itself
   * @param node what is there; nothing when there is no such name
   */
  record Place(Directory directory, String name, @Nullable Node node) {
    /** What is there. */
    Node needed() throws Failed {
      if (node == null) {
        throw new Failed(Errno.ENOENT);
      }
      return node;
    }

    /** The directory, when nothing is there yet. */
    Directory vacant() throws Failed {
      if (node != null) {
        throw new Failed(Errno.EEXIST);
      }
      if (name.length() > MOST_NAME) {
        throw new Failed(Errno.ENAMETOOLONG);
      }
      return directory;
    }
  }

  /**
   * Follows a path.
   *
   * @param from where it starts, unless it starts with a slash
   * @param followLast whether a symbolic link at its end is followed
   */
  Place find(Process caller, Directory from, String path, boolean followLast) throws Failed {
    if (path.isEmpty()) {
      throw new Failed(Errno.ENOENT);
    }
    return find(caller, from, path, followLast, new int[1]);
  }

  private Place find(Process caller, Directory from, String path, boolean followLast, int[] links)
      throws Failed {
    Directory at = path.startsWith("/") ? root : from;
    String rest = path;
    while (true) {
      rest = withoutSlashes(rest);
      int slash = rest.indexOf('/');
      String name = slash < 0 ? rest : rest.substring(0, slash);
      rest = slash < 0 ? "" : rest.substring(slash);
      boolean last = withoutSlashes(rest).isEmpty();
      if (name.isEmpty()) {
        return new Place(at.parent, ".", at);
      }
      Node node =
          switch (name) {
            case "." -> at;
            case ".." -> at.parent;
            default -> child(caller, at, name);
          };
      if (node instanceof SymbolicLink link && (!last || followLast || !rest.isEmpty())) {
        if (++links[0] > MOST_LINKS) {
          throw new Failed(Errno.ELOOP);
        }
        return find(caller, at, link.target + rest, followLast || last, links);
      }
      if (last) {
        if (!rest.isEmpty() && node != null && !(node instanceof Directory)) {
          throw new Failed(Errno.ENOTDIR);
        }
        return node instanceof Directory && (name.equals(".") || name.equals(".."))
            ? new Place(((Directory) node).parent, ".", node)
            : new Place(at, name, node);
      }
      if (node == null) {
        throw new Failed(Errno.ENOENT);
      }
      if (!(node instanceof Directory next)) {
        throw new Failed(Errno.ENOTDIR);
      }
      at = next;
    }
  }

  private static String withoutSlashes(String path) {
    int from = 0;
    while (from < path.length() && path.charAt(from) == '/') {
      from++;
    }
    return path.substring(from);
  }

  /** What has a name in a directory; /proc/self/exe is another one for each process. */
  private @Nullable Node child(Process caller, Directory directory, String name) {
    proc.look(caller, directory, name);
    Node node = directory.entries.get(name);
    if (node instanceof SymbolicLink link && link.target.equals(SELF)) {
      return new SymbolicLink(link.number, caller.executable, link.changed);
    }
    return node;
  }

  /** What is in a directory, for who lists it. */
  Map<String, Node> entries(Process caller, Directory directory) {
    proc.look(caller, directory);
    return directory.entries;
  }

  /** Target of the link that leads each process to its own program. */
  private static final String SELF = "<self>";

  // ---- making and removing ----

  private long number() throws Failed {
    if (nodes >= MOST_NODES) {
      throw new Failed(Errno.ENOSPC);
    }
    nodes++;
    return ++lastNumber;
  }

  /** A file without a name. */
  RegularFile file(int permissions) throws Failed {
    return new RegularFile(number(), permissions & 07777, linux.memory(), linux.seconds());
  }

  /** What stat says of a pipe. */
  PipeNode pipe() {
    return new PipeNode(++lastNumber, linux.seconds());
  }

  Directory makeDirectory(Place place, int permissions) throws Failed {
    Directory made = new Directory(number(), permissions & 07777, linux.seconds());
    made.parent = place.vacant();
    made.parent.links++;
    put(place, made);
    return made;
  }

  SymbolicLink makeLink(Place place, String target) throws Failed {
    SymbolicLink made = new SymbolicLink(number(), target, linux.seconds());
    put(place, made);
    return made;
  }

  RegularFile makeFile(Place place, int permissions) throws Failed {
    place.vacant();
    RegularFile made = file(permissions);
    put(place, made);
    return made;
  }

  /** Gives a node a name that is not there yet. */
  void put(Place place, Node node) throws Failed {
    place.vacant().entries.put(place.name(), node);
    place.directory().changed = linux.seconds();
  }

  /** Takes a name away. */
  void remove(Place place, boolean directory) throws Failed {
    Node node = place.needed();
    if (place.name().equals(".")) {
      throw new Failed(directory ? Errno.EINVAL : Errno.EISDIR);
    }
    if (node instanceof Directory gone) {
      if (!directory) {
        throw new Failed(Errno.EISDIR);
      }
      if (!gone.entries.isEmpty()) {
        throw new Failed(Errno.ENOTEMPTY);
      }
      place.directory().links--;
    } else if (directory) {
      throw new Failed(Errno.ENOTDIR);
    }
    place.directory().entries.remove(place.name());
    place.directory().changed = linux.seconds();
    lost(node);
  }

  /** Moves a name. */
  void rename(Place from, Place to, boolean replace) throws Failed {
    Node node = from.needed();
    Node there = to.node();
    if (from.name().equals(".") || to.name().equals(".")) {
      throw new Failed(Errno.EBUSY);
    }
    if (node == there) {
      return;
    }
    if (there != null && !replace) {
      throw new Failed(Errno.EEXIST);
    }
    for (Directory up = to.directory(); up != up.parent; up = up.parent) {
      if (up == node) {
        throw new Failed(Errno.EINVAL);
      }
    }
    if (there != null) {
      remove(to, node instanceof Directory);
    }
    from.directory().entries.remove(from.name());
    to.directory().entries.put(to.name(), node);
    if (node instanceof Directory moved) {
      from.directory().links--;
      to.directory().links++;
      moved.parent = to.directory();
    }
    long now = linux.seconds();
    from.directory().changed = now;
    to.directory().changed = now;
  }

  private void lost(Node node) {
    node.links--;
    if (node.links == 0 || node instanceof Directory) {
      nodes--;
      if (node instanceof RegularFile file && file.opened == 0) {
        forget(file);
      }
    }
  }

  /** Nobody has the file open: when it has no name either, its memory goes back. */
  void forget(RegularFile file) {
    if (file.links <= 0) {
      orphans.add(file);
      sweep();
    }
  }

  /** Gives the memory of files back that nobody can reach any more. */
  void sweep() {
    if (!orphans.isEmpty()) {
      orphans.removeIf(
          file -> {
            boolean wanted =
                linux.processes.values().stream().anyMatch(each -> each.space().maps(file));
            if (!wanted) {
              file.release();
            }
            return !wanted;
          });
    }
  }

  /** The path of a directory. */
  String path(Directory directory) throws Failed {
    StringBuilder path = new StringBuilder();
    for (Directory at = directory; at != at.parent; at = at.parent) {
      Directory child = at;
      String name =
          at.parent.entries.entrySet().stream()
              .filter(entry -> entry.getValue() == child)
              .map(Map.Entry::getKey)
              .findFirst()
              .orElseThrow(() -> new Failed(Errno.ENOENT));
      path.insert(0, "/" + name);
    }
    return path.isEmpty() ? "/" : path.toString();
  }

  /** What a new system has: /bin, /dev, /etc, /proc, /root, /tmp. */
  void fill(Process caller, long diskBytes) throws Failed {
    for (String name : new String[] {"bin", "dev", "etc", "proc", "root", "tmp"}) {
      makeDirectory(at(caller, "/" + name), name.equals("tmp") ? 01777 : 0755);
    }
    makeDirectory(at(caller, "/proc/self"), 0555);
    makeLink(at(caller, "/proc/self/exe"), SELF);
    for (Device.Kind kind : Device.Kind.values()) {
      if (kind != Device.Kind.DISK || diskBytes > 0) {
        long bytes = kind == Device.Kind.DISK ? diskBytes : 0;
        put(
            at(caller, "/dev/" + kind.fileName),
            new Device(number(), kind, bytes, linux.seconds()));
      }
    }
    write(at(caller, "/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n", 0644);
    write(at(caller, "/etc/group"), "root:x:0:\n", 0644);
  }

  private Place at(Process caller, String path) throws Failed {
    return find(caller, root, path, false);
  }

  private void write(Place place, String text, int permissions) throws Failed {
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    makeFile(place, permissions).write(0, bytes, bytes.length, linux.seconds());
  }

  /** Forgets all, without giving pages back one by one. */
  void clear() {
    root.entries.clear();
    orphans.clear();
  }
}
