// What the monitor offers to kernels that know it: see the README of duality.vmm.xen.
#pragma once

#include "nano.h"

enum {
  SET_TRAP_TABLE = 0, MMU_UPDATE = 1, UPDATE_MAPPING = 2, SET_CALLBACK = 3, SET_FAST_TRAP = 4,
  SCHEDULE = 6, SET_TIMER = 7, EVENTS = 9, GRANTS = 10, MEMORY = 11, DRIVERS = 12
};
enum { SCHEDULE_YIELD = 0, SCHEDULE_BLOCK = 1, SCHEDULE_OFF = 2, SCHEDULE_REBOOT = 3 };
enum { MMU_EXTENDED = 3, MMU_PIN_ROOT = 2, MMU_UNPIN = 3, MMU_NEW_ROOT = 4 };
enum { EVENTS_BIND_TIMER = 0, EVENTS_BIND_DRIVER = 1, EVENTS_SEND = 3 };
enum { GRANTS_LEND = 0 };
enum { MEMORY_NOW = 0, MEMORY_GIVE = 2, MEMORY_TAKE = 3 };
enum { DRIVERS_COUNT = 0, DRIVERS_CONNECT = 1, DRIVERS_SIZE = 4 };
enum { CONSOLE_DRIVER = 0, DISK_DRIVER = 1 };

// hypercall.c
int64_t hypercall(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
uint64_t lend_page(uint64_t driver, const volatile void *page);  // the grant's number

// startinfo.c: the page that the monitor shares with this kernel.
struct shared {
  volatile uint64_t pending;  // a bit for each port
  volatile uint64_t mask;
};
struct shared *shared_page(void);

// events.c
uint64_t bind_driver(uint64_t driver);  // the port's number
void use_timer(void);
void console_event(void);
void disk_event(void);
