// The disk: a virtio block device with one request at a time. The answer comes by interrupt, and
// by nothing else: an interrupt that is lost is a disk that hangs, as with other systems.
// Source: VIRTIO 1.2, sections 2.7 (split virtqueues), 4.2 (MMIO) and 5.2 (block device).
#include "nano.h"

enum { MAGIC = 0x0, VERSION = 0x4, DEVICE_ID = 0x8, DEVICE_FEATURES = 0x10 };
enum { DEVICE_FEATURES_SELECT = 0x14, DRIVER_FEATURES = 0x20, DRIVER_FEATURES_SELECT = 0x24 };
enum { QUEUE_SELECT = 0x30, QUEUE_SIZE = 0x38, QUEUE_READY = 0x44, QUEUE_NOTIFY = 0x50 };
enum { INTERRUPT_STATUS = 0x60, INTERRUPT_ACK = 0x64, STATUS = 0x70, DESCRIPTORS = 0x80 };
enum { AVAILABLE = 0x90, USED = 0xa0, CAPACITY = 0x100 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { FEATURE_FLUSH = 1 << 9, FEATURE_VERSION_1 = 1 };  // the second is bit 32 of all
enum { NEXT = 1, DEVICE_WRITES = 2 };
enum { ENTRIES = 4 };

static uint64_t base;  // 0 when there is no disk
static uint32_t irq;
static volatile bool interrupted;

static struct { uint64_t address; uint32_t length; uint16_t flags, next; }
    descriptors[ENTRIES] __attribute__((aligned(16)));
static volatile struct { uint16_t flags, index, ring[ENTRIES], event; } available;
static volatile struct {
  uint16_t flags, index;
  struct { uint32_t id, length; } ring[ENTRIES];
  uint16_t event;
} used __attribute__((aligned(4)));
static struct { uint32_t type, reserved; uint64_t sector; } header;
static volatile uint8_t status;

static volatile uint32_t *disk_register(uint64_t offset) {
  return (volatile uint32_t *)(base + offset);
}

static void set_address(uint64_t offset, const volatile void *address) {
  *disk_register(offset) = (uint32_t)(uint64_t)address;
  *disk_register(offset + 4) = (uint64_t)address >> 32;
}

void start_disk(void) {
  for (uint32_t i = 0; i < machine.virtio_count; i++) {
    base = machine.virtio_base[i];
    if (*disk_register(MAGIC) == 0x74726976 && *disk_register(VERSION) == 2 &&
        *disk_register(DEVICE_ID) == 2) {
      irq = machine.virtio_irq[i];
      break;
    }
    base = 0;
  }
  if (base == 0) {
    return;
  }
  *disk_register(STATUS) = 0;
  *disk_register(STATUS) = ACKNOWLEDGE;
  *disk_register(STATUS) = ACKNOWLEDGE | DRIVER;
  *disk_register(DEVICE_FEATURES_SELECT) = 0;
  *disk_register(DRIVER_FEATURES_SELECT) = 0;
  *disk_register(DRIVER_FEATURES) = *disk_register(DEVICE_FEATURES) & FEATURE_FLUSH;
  *disk_register(DRIVER_FEATURES_SELECT) = 1;
  *disk_register(DRIVER_FEATURES) = FEATURE_VERSION_1;
  *disk_register(STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  *disk_register(QUEUE_SELECT) = 0;
  *disk_register(QUEUE_SIZE) = ENTRIES;
  set_address(DESCRIPTORS, descriptors);
  set_address(AVAILABLE, &available);
  set_address(USED, &used);
  *disk_register(QUEUE_READY) = 1;
  *disk_register(STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
  enable_interrupt(irq);
}

uint64_t disk_sectors(void) {
  return base == 0 ? 0 : *disk_register(CAPACITY) | (uint64_t)*disk_register(CAPACITY + 4) << 32;
}

bool take_disk_interrupt(uint32_t source) {
  if (base == 0 || source != irq) {
    return false;
  }
  *disk_register(INTERRUPT_ACK) = *disk_register(INTERRUPT_STATUS);
  interrupted = true;
  return true;
}

uint32_t disk_request(uint32_t type, uint64_t sector, void *data, uint32_t length) {
  static uint16_t seen;
  if (base == 0) {
    return 255;
  }
  header.type = type;
  header.sector = sector;
  status = 254;
  descriptors[0].address = (uint64_t)&header;
  descriptors[0].length = sizeof header;
  descriptors[0].flags = NEXT;
  descriptors[0].next = length > 0 ? 1 : 2;
  descriptors[1].address = (uint64_t)data;
  descriptors[1].length = length;
  descriptors[1].flags = NEXT | (type == DISK_READ ? DEVICE_WRITES : 0);
  descriptors[1].next = 2;
  descriptors[2].address = (uint64_t)&status;
  descriptors[2].length = 1;
  descriptors[2].flags = DEVICE_WRITES;
  available.ring[available.index % ENTRIES] = 0;
  __asm__ volatile("fence rw, rw" : : : "memory");
  available.index++;
  __asm__ volatile("fence rw, rw" : : : "memory");
  *disk_register(QUEUE_NOTIFY) = 0;
  // An interrupt may have come for nothing: what counts is that the device has used the request.
  while (used.index == seen) {
    interrupts_off();
    while (!interrupted) {
      wait_for_interrupt();
      interrupts_on();
      interrupts_off();
    }
    interrupted = false;
    interrupts_on();
  }
  seen++;
  __asm__ volatile("fence rw, rw" : : : "memory");
  return status;
}
