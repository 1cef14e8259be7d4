// A kernel as teaching systems have it: starts in M-mode with nothing below it, gives itself the machine, goes to S-mode
// with paging, and finds what QEMU's `virt` has where it has it, without looking into a device tree: the serial port,
// the interrupt controllers, a virtio disk in slot 0. It says what it does; the transcript is a test.
#include <stdint.h>

#define read_csr(name) \
  ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define write_csr(name, value) \
  __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define set_csr(name, bits) \
  __asm__ volatile("csrs " #name ", %0" : : "r"((uint64_t)(bits)) : "memory")
#define clear_csr(name, bits) \
  __asm__ volatile("csrc " #name ", %0" : : "r"((uint64_t)(bits)) : "memory")

#define UART 0x10000000ul
#define UART_IRQ 10
#define DISK 0x10001000ul
#define DISK_IRQ 1
#define PLIC 0xc000000ul
#define CLINT 0x2000000ul
#define FINISHER 0x100000ul
#define MEMORY 0x80000000ul
#define INTERVAL 100000ul // 10 ms

extern char machine_timer[], kernel_trap_entry[], user_code[];
extern uint64_t user_registers[32];
uint64_t run_user(uint64_t pc, uint64_t sp, uint64_t satp);

static volatile uint64_t software_ticks, timer_ticks, disk_interrupts;
static volatile char typed[64];
static volatile uint32_t typed_count;
static int sstc;
static uint64_t scratch[5];

static volatile uint8_t *uart(int number) { return (volatile uint8_t *)(UART + (uint64_t)number); }
static volatile uint32_t *word(uint64_t address) { return (volatile uint32_t *)address; }

static void put(char c) {
  while (!(*uart(5) & 0x20)) {
  }
  *uart(0) = (uint8_t)c;
}

static void print(const char *text) {
  while (*text) {
    put(*text++);
  }
}

static void print_number(uint64_t n) {
  if (n >= 10) {
    print_number(n / 10);
  }
  put((char)('0' + n % 10));
}

static void end(uint32_t how) {
  *word(FINISHER) = how;
  for (;;) {
  }
}

static void fail(const char *why) {
  print("teach: ");
  print(why);
  print("\n");
  end(0x13333);
}

// ---- in M-mode --------------------------------------------------------------------------------------------------

static void supervisor(void);

static int takes_sstc(void) {
  uint64_t old = read_csr(0x30a);
  write_csr(0x30a, old | 1ul << 63);
  return read_csr(0x30a) >> 63 & 1;
}

void start(void) {
  uint64_t status = read_csr(mstatus);
  write_csr(mstatus, (status & ~(3ul << 11)) | 1ul << 11);
  write_csr(mepc, supervisor);
  write_csr(satp, 0);
  write_csr(medeleg, 0xffff);
  write_csr(mideleg, 0xffff);
  set_csr(sie, 0x222);
  write_csr(pmpaddr0, 0x3ffffffffffffful);
  write_csr(pmpcfg0, 0xf);
  // The machine's timer, by the core-local interruptor.
  uint64_t hart = read_csr(mhartid);
  volatile uint64_t *compare = (volatile uint64_t *)(CLINT + 0x4000 + 8 * hart);
  *compare = *(volatile uint64_t *)(CLINT + 0xbff8) + INTERVAL;
  scratch[3] = (uint64_t)compare;
  scratch[4] = INTERVAL;
  write_csr(mscratch, scratch);
  write_csr(mtvec, machine_timer);
  set_csr(mie, 0x80);
  sstc = takes_sstc();
  if (sstc) {
    set_csr(mcounteren, 2);
    write_csr(0x14d, ~0ul);
  }
  __asm__ volatile("mv tp, %0" : : "r"(hart));
  __asm__ volatile("mret");
}

// ---- interrupts -------------------------------------------------------------------------------------------------

static void take_external(void) {
  uint32_t source = *word(PLIC + 0x201004); // claim of hart 0's S-mode
  if (source == UART_IRQ) {
    while (*uart(5) & 1) {
      char c = (char)*uart(0);
      if (typed_count < sizeof typed) {
        typed[typed_count++] = c;
      }
    }
  } else if (source == DISK_IRQ) {
    *word(DISK + 0x64) = *word(DISK + 0x60) & 3;
    disk_interrupts++;
  } else if (source != 0) {
    fail("an interrupt of nobody");
  }
  if (source != 0) {
    *word(PLIC + 0x201004) = source;
  }
}

void kernel_trap(void) {
  uint64_t cause = read_csr(scause), pc = read_csr(sepc), status = read_csr(sstatus);
  if (cause == (1ul << 63 | 9)) {
    take_external();
  } else if (cause == (1ul << 63 | 1)) {
    write_csr(sip, read_csr(sip) & ~2ul);
    software_ticks++;
  } else if (cause == (1ul << 63 | 5)) {
    timer_ticks++;
    write_csr(0x14d, read_csr(time) + INTERVAL);
  } else {
    fail("a trap that nobody expects");
  }
  write_csr(sepc, pc);
  write_csr(sstatus, status);
}

static void wait(volatile uint64_t *count, uint64_t until) {
  while (*count < until) {
    __asm__ volatile("wfi");
  }
}

// ---- paging -----------------------------------------------------------------------------------------------------

static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t user_root[512] __attribute__((aligned(4096)));
static uint64_t user_middle[512] __attribute__((aligned(4096)));
static uint64_t user_leaves[512] __attribute__((aligned(4096)));
static uint8_t user_pages[2][4096] __attribute__((aligned(4096)));

static uint64_t satp_of(const uint64_t *table) { return 8ul << 60 | (uint64_t)table >> 12; }

static void turn_on_paging(void) {
  // Gigapages: devices below memory, and memory.
  root[0] = 0 << 10 | 0xc7;
  root[2] = MEMORY >> 12 << 10 | 0xcf;
  __asm__ volatile("sfence.vma");
  write_csr(satp, satp_of(root));
  __asm__ volatile("sfence.vma");
}

// ---- the disk ---------------------------------------------------------------------------------------------------

#define ENTRIES 8
static struct {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
} descriptors[ENTRIES] __attribute__((aligned(4096)));
static volatile struct {
  uint16_t flags, index, ring[ENTRIES], event;
} available __attribute__((aligned(4096)));
static volatile struct {
  uint16_t flags, index;
  struct {
    uint32_t id, length;
  } ring[ENTRIES];
  uint16_t event;
} used __attribute__((aligned(4096)));
static struct {
  uint32_t type, reserved;
  uint64_t sector;
} request;
static volatile uint8_t request_status;
static uint8_t block[1024] __attribute__((aligned(8)));
static uint64_t requests;

static void start_disk(void) {
  if (*word(DISK) != 0x74726976 || *word(DISK + 4) != 2 || *word(DISK + 8) != 2) {
    fail("no disk in slot 0");
  }
  uint32_t status = 0;
  *word(DISK + 0x70) = status;
  *word(DISK + 0x70) = status |= 1;
  *word(DISK + 0x70) = status |= 2;
  // What it offers, without what this driver does not know: read-only, SCSI, write-back, several queues, rings.
  uint32_t features = *word(DISK + 0x10);
  features &= ~(1u << 5 | 1u << 7 | 1u << 11 | 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29);
  *word(DISK + 0x20) = features;
  *word(DISK + 0x70) = status |= 8;
  if (!(*word(DISK + 0x70) & 8)) {
    fail("the disk does not take the features");
  }
  *word(DISK + 0x30) = 0;
  if (*word(DISK + 0x44) != 0 || *word(DISK + 0x34) < ENTRIES) {
    fail("the disk's queue is not as it should be");
  }
  *word(DISK + 0x38) = ENTRIES;
  *word(DISK + 0x80) = (uint32_t)(uint64_t)descriptors;
  *word(DISK + 0x84) = (uint32_t)((uint64_t)descriptors >> 32);
  *word(DISK + 0x90) = (uint32_t)(uint64_t)&available;
  *word(DISK + 0x94) = (uint32_t)((uint64_t)&available >> 32);
  *word(DISK + 0xa0) = (uint32_t)(uint64_t)&used;
  *word(DISK + 0xa4) = (uint32_t)((uint64_t)&used >> 32);
  *word(DISK + 0x44) = 1;
  *word(DISK + 0x70) = status |= 4;
}

// One block of 1024 bytes, as file systems of teaching systems have them.
static void transfer(uint64_t number, int write) {
  request.type = write ? 1 : 0;
  request.sector = 2 * number;
  request_status = 0xff;
  uint16_t first = (uint16_t)(3 * (requests & 1)); // not always the same descriptors
  descriptors[first].address = (uint64_t)&request;
  descriptors[first].length = sizeof request;
  descriptors[first].flags = 1;
  descriptors[first].next = (uint16_t)(first + 1);
  descriptors[first + 1].address = (uint64_t)block;
  descriptors[first + 1].length = sizeof block;
  descriptors[first + 1].flags = write ? 1 : 3;
  descriptors[first + 1].next = (uint16_t)(first + 2);
  descriptors[first + 2].address = (uint64_t)&request_status;
  descriptors[first + 2].length = 1;
  descriptors[first + 2].flags = 2;
  descriptors[first + 2].next = 0;
  available.ring[available.index % ENTRIES] = first;
  __sync_synchronize();
  available.index++;
  __sync_synchronize();
  *word(DISK + 0x50) = 0;
  requests++;
  while (used.index != (uint16_t)requests) {
    __asm__ volatile("wfi");
  }
  __sync_synchronize();
  if (request_status != 0 || used.ring[(requests - 1) % ENTRIES].id != first) {
    fail("a request of the disk went wrong");
  }
}

static uint64_t check_sum(void) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < sizeof block; i++) {
    sum = sum * 31 + block[i];
  }
  return sum % 1000000007;
}

// ---- user mode --------------------------------------------------------------------------------------------------

static void run_program(void) {
  user_root[2] = root[2]; // the kernel's, which user mode may not touch
  user_root[0] = (uint64_t)user_middle >> 12 << 10 | 1;
  user_middle[0] = (uint64_t)user_leaves >> 12 << 10 | 1;
  user_leaves[1] = (uint64_t)user_code >> 12 << 10 | 0xdb; // V R X U A D
  user_leaves[4] = (uint64_t)user_pages[0] >> 12 << 10 | 0xd7;
  uint64_t pc = 0x1000;
  for (int trap = 0; trap < 8; trap++) {
    uint64_t cause = run_user(pc, 0x5000, satp_of(user_root));
    pc = read_csr(sepc);
    if (cause == 8 && user_registers[17] == 1) {
      // Its text, by its own addresses, which the kernel may read when it says so.
      const char *text = (const char *)user_code + (user_registers[11] & 0xfff);
      for (uint64_t i = 0; i < user_registers[12]; i++) {
        put(text[i]);
      }
      pc += 4;
    } else if (cause == 15 && read_csr(stval) == 0x5000 && user_leaves[5] == 0) {
      print("teach: page for user mode\n");
      user_leaves[5] = (uint64_t)user_pages[1] >> 12 << 10 | 0xd7;
    } else if (cause == 8 && user_registers[17] == 2) {
      print("teach: user program ended with ");
      print_number(user_registers[10]);
      print("\n");
      return;
    } else if (!(cause >> 63)) {
      fail("user mode trapped otherwise");
    } else {
      trap--;
      set_csr(sstatus, 2); // the interrupt is taken here
      clear_csr(sstatus, 2);
    }
  }
  fail("the program does not end");
}

static void supervisor(void) {
  write_csr(stvec, kernel_trap_entry);
  // The serial port: no interrupts while it is set up, 38400 baud, 8 bits, FIFOs on and empty.
  *uart(1) = 0;
  *uart(3) = 0x80;
  *uart(0) = 3;
  *uart(1) = 0;
  *uart(3) = 3;
  *uart(2) = 7;
  *uart(1) = 1;
  print("\nteach: supervisor mode\n");
  turn_on_paging();
  print("teach: paging\n");
  *word(PLIC + UART_IRQ * 4) = 1;
  *word(PLIC + DISK_IRQ * 4) = 1;
  *word(PLIC + 0x2080) = 1u << UART_IRQ | 1u << DISK_IRQ;
  *word(PLIC + 0x201000) = 0;
  set_csr(sstatus, 2);
  wait(&software_ticks, 3);
  print("teach: ticks of the core-local interruptor\n");
  if (sstc) {
    write_csr(0x14d, read_csr(time) + INTERVAL);
    wait(&timer_ticks, 3);
    write_csr(0x14d, ~0ul);
    print("teach: ticks of stimecmp\n");
  }
  start_disk();
  for (uint64_t number = 0; number < 16; number++) {
    transfer(number, 0);
    uint64_t before = check_sum();
    for (uint32_t i = 0; i < sizeof block; i++) {
      block[i] ^= (uint8_t)(i * 7 + number);
    }
    transfer(number, 1);
    for (uint32_t i = 0; i < sizeof block; i++) {
      block[i] = 0;
    }
    transfer(number, 0);
    for (uint32_t i = 0; i < sizeof block; i++) {
      block[i] ^= (uint8_t)(i * 7 + number);
    }
    if (check_sum() != before) {
      fail("the disk gave something else back");
    }
  }
  transfer(0, 0);
  print("teach: disk, sum of block 0 is ");
  print_number(check_sum());
  print("\n");
  if (disk_interrupts == 0) {
    fail("the disk never interrupted");
  }
  clear_csr(sstatus, 2);
  run_program();
  set_csr(sstatus, 2);
  print("$ ");
  uint32_t shown = 0;
  for (;;) {
    while (shown == typed_count) {
      __asm__ volatile("wfi");
    }
    char c = typed[shown++];
    if (c == '\r' || c == '\n') {
      break;
    }
    put(c);
  }
  print("\nteach: off\n");
  end(0x5555);
}
