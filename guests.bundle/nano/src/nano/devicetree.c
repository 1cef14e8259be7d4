// Reads the flattened device tree: the monitor's description of the machine, a list of tokens in
// big-endian words. Source: Devicetree Specification 0.4, chapter 5.
#include "nano.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };
enum { MAX_DEPTH = 16 };

struct machine machine;

// What has been seen of the node that is being read. All properties of a node come before its
// children, so it is complete at the first BEGIN_NODE or END_NODE that follows.
static struct node {
  const uint32_t *reg;
  const char *device_type;
  const char *isa;
  uint32_t isa_length;
  bool is_rtc;
  bool is_virtio;
  uint32_t interrupt;
} node;

static uint32_t big_endian(uint32_t word) {
  return word >> 24 | (word >> 8 & 0xff00) | (word & 0xff00) << 8 | word << 24;
}

// Numbers in `reg` are one or two words ("cells") wide; the parent node says which.
static uint64_t read_cells(const uint32_t *words, uint32_t cells) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < cells; i++) {
    value = value << 32 | big_endian(words[i]);
  }
  return value;
}

// Looks for an extension among names parted by '_' (riscv,isa) or zeros (riscv,isa-extensions), and
// for one name in a list of compatible devices.
static bool lists(const char *text, uint32_t length, const char *name) {
  for (uint32_t start = 0; start < length; start++) {
    if (start != 0 && text[start - 1] != '_' && text[start - 1] != 0) {
      continue;
    }
    uint32_t i = 0;
    while (name[i] != 0 && start + i < length && text[start + i] == name[i]) {
      i++;
    }
    if (name[i] == 0 && (start + i == length || text[start + i] == 0 || text[start + i] == '_')) {
      return true;
    }
  }
  return false;
}

static void note_property(const char *name, const uint32_t *value, uint32_t length) {
  if (same(name, "reg")) {
    node.reg = value;
  } else if (same(name, "device_type")) {
    node.device_type = (const char *)value;
  } else if (same(name, "riscv,isa-extensions") || (same(name, "riscv,isa") && !node.isa)) {
    node.isa = (const char *)value;
    node.isa_length = length;
  } else if (same(name, "compatible")) {
    node.is_rtc = lists((const char *)value, length, "google,goldfish-rtc");
    node.is_virtio = lists((const char *)value, length, "virtio,mmio");
  } else if (same(name, "interrupts")) {
    node.interrupt = big_endian(value[0]);
  } else if (same(name, "timebase-frequency")) {
    machine.timebase_hz = read_cells(value, length / 4);
  }
}

static void use_node(uint32_t address_cells, uint32_t size_cells, uint64_t hart) {
  if (node.reg && node.device_type && same(node.device_type, "memory")) {
    machine.memory_base = read_cells(node.reg, address_cells);
    machine.memory_size = read_cells(node.reg + address_cells, size_cells);
  } else if (node.reg && node.isa && read_cells(node.reg, address_cells) == hart) {
    machine.has_sstc = lists(node.isa, node.isa_length, "sstc");
  } else if (node.reg && node.is_rtc) {
    machine.rtc_base = read_cells(node.reg, address_cells);
  } else if (node.reg && node.is_virtio && node.interrupt < 32 && machine.virtio_count < 8) {
    machine.virtio_base[machine.virtio_count] = read_cells(node.reg, address_cells);
    machine.virtio_irq[machine.virtio_count++] = node.interrupt;
  }
  node = (struct node){0};
}

void map_devices(void) {
  if (machine.rtc_base != 0) {
    map_to_itself(machine.rtc_base, machine.rtc_base + PAGE_SIZE, R | W);
  }
  map_to_itself(0x0c000000, 0x0c400000, R | W);
  map_to_itself(0x10000000, 0x10001000, R | W);
  for (uint32_t i = 0; i < machine.virtio_count; i++) {
    map_to_itself(machine.virtio_base[i], machine.virtio_base[i] + PAGE_SIZE, R | W);
  }
}

void read_device_tree(const void *tree, uint64_t hart) {
  const uint32_t *header = tree;
  const uint32_t *word = (const uint32_t *)((const char *)tree + big_endian(header[2]));
  const char *names = (const char *)tree + big_endian(header[3]);
  // The cells a node at depth d gives to its children, at index d.
  uint32_t address_cells[MAX_DEPTH] = {2};
  uint32_t size_cells[MAX_DEPTH] = {1};
  uint32_t depth = 0;

  while (big_endian(header[0]) == 0xd00dfeed && depth < MAX_DEPTH - 1) {
    uint32_t token = big_endian(*word++);
    if (token == BEGIN_NODE || token == END_NODE) {
      use_node(depth > 0 ? address_cells[depth - 1] : 2, depth > 0 ? size_cells[depth - 1] : 1,
               hart);
    }
    if (token == BEGIN_NODE) {
      depth++;
      address_cells[depth] = 2;  // what the specification assumes when the node does not say
      size_cells[depth] = 1;
      const char *name = (const char *)word;
      uint32_t length = 0;
      while (name[length++] != 0) {
      }
      word += (length + 3) / 4;
    } else if (token == END_NODE) {
      depth--;
    } else if (token == PROPERTY) {
      uint32_t length = big_endian(word[0]);
      const char *name = names + big_endian(word[1]);
      const uint32_t *value = word + 2;
      if (same(name, "#address-cells")) {
        address_cells[depth] = big_endian(value[0]);
      } else if (same(name, "#size-cells")) {
        size_cells[depth] = big_endian(value[0]);
      } else {
        note_property(name, value, length);
      }
      word += 2 + (length + 3) / 4;
    } else if (token != NOP) {
      break;  // END, or something that is not a device tree
    }
  }
}
