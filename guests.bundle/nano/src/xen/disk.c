// The disk: the front half of a split driver, with one request at a time in its ring. Its memory is
// lent once, page by page, when it is first used.
#include "xen.h"

enum { PLACES = 32, SEGMENTS = 11, BUFFER_PAGES = 8 };

static volatile struct {
  uint32_t requests, answers, wanted, pad[13];
  struct {
    uint8_t operation, count, pad[6];  // in an answer, count is the status
    uint64_t word, sector;
    struct { uint32_t grant; uint8_t first, last, pad[2]; } segment[SEGMENTS];
  } place[PLACES];
} __attribute__((aligned(4096))) ring;

static uint64_t port, sectors;
static volatile bool interrupted;
static struct { uint64_t page, grant; } lent[BUFFER_PAGES];

void start_disk(void) {
  if (hypercall(DRIVERS, DRIVERS_COUNT, 0, 0, 0) <= DISK_DRIVER) {
    return;
  }
  port = bind_driver(DISK_DRIVER);
  uint64_t grant = lend_page(DISK_DRIVER, &ring);
  if (hypercall(DRIVERS, DRIVERS_CONNECT, DISK_DRIVER, grant, 0) == 0) {
    sectors = (uint64_t)hypercall(DRIVERS, DRIVERS_SIZE, DISK_DRIVER, 0, 0) / SECTOR_SIZE;
  }
}

uint64_t disk_sectors(void) { return sectors; }

void disk_event(void) { interrupted = true; }

static uint32_t grant_of(uint64_t page) {
  uint64_t i = 0;
  while (i < BUFFER_PAGES - 1 && lent[i].page != 0 && lent[i].page != page) {
    i++;
  }
  if (lent[i].page != page) {
    lent[i].page = page;
    lent[i].grant = lend_page(DISK_DRIVER, (void *)page);
  }
  return (uint32_t)lent[i].grant;
}

// What the shell asks for: one buffer that begins with a page, and whole sectors.
uint32_t disk_request(uint32_t type, uint64_t sector, void *data, uint32_t length) {
  static uint32_t seen;
  if (sectors == 0) {
    return 255;
  }
  uint32_t at = ring.requests % PLACES, count = 0;
  for (uint32_t done = 0; done < length; done += PAGE_SIZE, count++) {
    uint32_t part = length - done < PAGE_SIZE ? length - done : PAGE_SIZE;
    ring.place[at].segment[count].grant = grant_of((uint64_t)data + done);
    ring.place[at].segment[count].first = 0;
    ring.place[at].segment[count].last = (uint8_t)(part / SECTOR_SIZE - 1);
  }
  ring.place[at].operation = type == DISK_FLUSH ? 2 : type == DISK_WRITE;
  ring.place[at].count = (uint8_t)count;
  ring.place[at].word = at;
  ring.place[at].sector = sector;
  ring.wanted = seen + 1;
  __asm__ volatile("fence rw, rw" : : : "memory");
  ring.requests++;
  hypercall(EVENTS, EVENTS_SEND, port, 0, 0);
  // An event may have come for nothing: what counts is that there is an answer.
  while (ring.answers == seen) {
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
  return ring.place[at].count;
}
