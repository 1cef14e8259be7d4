package duality.vmm.board;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes a flattened device tree (Devicetree Specification 0.4, chapter 5, version 17).
 *
 * <p>Nodes are opened and closed in order; a node's properties come before its children. The writer
 * is used up by {@link #toBytes}.
 */
final class DeviceTree {
  private static final int MAGIC = 0xd00dfeed;
  private static final int VERSION = 17;
  private static final int COMPATIBLE_VERSION = 16;
  private static final int HEADER_BYTES = 40;
  private static final int RESERVATIONS_BYTES = 16; // the empty list: one entry of two zeros

  private static final int BEGIN_NODE = 1;
  private static final int END_NODE = 2;
  private static final int PROPERTY = 3;
  private static final int END = 9;

  private final ByteArrayOutputStream structure = new ByteArrayOutputStream();
  private final ByteArrayOutputStream names = new ByteArrayOutputStream();
  private final Map<String, Integer> nameOffsets = new LinkedHashMap<>();
  private int depth;

  /** Opens a node; the first one is the root, whose name is empty. */
  DeviceTree begin(String name) {
    word(BEGIN_NODE);
    padded(terminated(name));
    depth++;
    return this;
  }

  /** Closes the node opened last. */
  DeviceTree end() {
    if (depth == 0) {
      throw new IllegalStateException("more nodes are closed than were opened");
    }
    word(END_NODE);
    depth--;
    return this;
  }

  /** A property without a value: it is there, and that is what it says. */
  DeviceTree flag(String name) {
    return bytes(name, new byte[0]);
  }

  /** A property of 32-bit cells. */
  DeviceTree cells(String name, int... cells) {
    ByteBuffer value = ByteBuffer.allocate(4 * cells.length);
    for (int cell : cells) {
      value.putInt(cell);
    }
    return bytes(name, value.array());
  }

  /** A property of 64-bit numbers, two cells each. */
  DeviceTree wide(String name, long... numbers) {
    ByteBuffer value = ByteBuffer.allocate(8 * numbers.length);
    for (long number : numbers) {
      value.putLong(number);
    }
    return bytes(name, value.array());
  }

  /** A property of one or several texts, each ended by a zero byte. */
  DeviceTree text(String name, String... texts) {
    ByteArrayOutputStream value = new ByteArrayOutputStream();
    for (String text : texts) {
      value.writeBytes(terminated(text));
    }
    return bytes(name, value.toByteArray());
  }

  /** A property of bytes. */
  DeviceTree bytes(String name, byte[] value) {
    if (depth == 0) {
      throw new IllegalStateException("property " + name + " is outside of all nodes");
    }
    word(PROPERTY);
    word(value.length);
    word(nameOffsets.computeIfAbsent(name, this::addName));
    padded(value);
    return this;
  }

  /** The finished tree. */
  byte[] toBytes() {
    if (depth != 0) {
      throw new IllegalStateException(depth + " nodes are still open");
    }
    word(END);
    int structureAt = HEADER_BYTES + RESERVATIONS_BYTES;
    int namesAt = structureAt + structure.size();
    ByteBuffer tree = ByteBuffer.allocate(namesAt + names.size());
    tree.putInt(MAGIC).putInt(tree.capacity()).putInt(structureAt).putInt(namesAt);
    tree.putInt(HEADER_BYTES).putInt(VERSION).putInt(COMPATIBLE_VERSION);
    tree.putInt(0); // the hart that boots
    tree.putInt(names.size()).putInt(structure.size());
    tree.put(structureAt, structure.toByteArray()).put(namesAt, names.toByteArray());
    return tree.array();
  }

  private int addName(String name) {
    int at = names.size();
    names.writeBytes(terminated(name));
    return at;
  }

  private static byte[] terminated(String text) {
    if (text.indexOf(0) >= 0) {
      throw new IllegalArgumentException("a text in a device tree cannot hold a zero character");
    }
    return (text + '\0').getBytes(StandardCharsets.UTF_8);
  }

  private void word(int value) {
    structure.writeBytes(ByteBuffer.allocate(4).putInt(value).array());
  }

  private void padded(byte[] value) {
    structure.writeBytes(value);
    while (structure.size() % 4 != 0) {
      structure.write(0);
    }
  }
}
