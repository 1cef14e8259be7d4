// A linked list that is searched, reversed and sorted: pointers, loads that wait for loads, calls.
#include <stddef.h>

#include "mix.h"

enum { NODES = 200, SEARCHES = 28 };

struct node {
  struct node *next;
  int32_t value;
  int32_t place;
};

static struct node nodes[NODES];

typedef int32_t (*order)(const struct node *a, const struct node *b);

static int32_t by_value(const struct node *a, const struct node *b) {
  return a->value != b->value ? (a->value < b->value ? -1 : 1) : a->place - b->place;
}

static int32_t by_place(const struct node *a, const struct node *b) { return a->place - b->place; }

// Links the nodes in a mixed-up order, so that the next one is seldom the neighbour in memory.
static struct node *make_list(uint32_t seed) {
  uint16_t turn[NODES];
  for (uint32_t i = 0; i < NODES; i++) {
    uint32_t other = next_random(&seed) % (i + 1);
    turn[i] = turn[other];
    turn[other] = (uint16_t)i;
  }
  struct node *head = NULL;
  for (int32_t i = 0; i < NODES; i++) {
    struct node *node = &nodes[turn[i]];
    node->value = (int32_t)(next_random(&seed) % 1000);
    node->place = i;
    node->next = head;
    head = node;
  }
  return head;
}

static struct node *reverse(struct node *list) {
  struct node *done = NULL;
  while (list) {
    struct node *next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static struct node *merge(struct node *a, struct node *b, order compare) {
  struct node head;
  struct node *last = &head;
  while (a && b) {
    struct node **smaller = compare(a, b) <= 0 ? &a : &b;
    last->next = *smaller;
    last = *smaller;
    *smaller = last->next;
  }
  last->next = a ? a : b;
  return head.next;
}

// Merge sort: lists of 1, 2, 4... nodes wait in a row until one of the same length comes.
static struct node *sort(struct node *list, order compare) {
  struct node *waiting[16] = {NULL};
  int most = 0;
  while (list) {
    struct node *run = list;
    list = list->next;
    run->next = NULL;
    int level = 0;
    for (; waiting[level]; level++) {
      run = merge(waiting[level], run, compare);
      waiting[level] = NULL;
    }
    waiting[level] = run;
    most = level > most ? level : most;
  }
  struct node *all = NULL;
  for (int level = 0; level <= most; level++) {
    all = merge(waiting[level], all, compare);
  }
  return all;
}

static uint32_t sum_of(const struct node *list) {
  uint32_t sum = 0;
  for (; list; list = list->next) {
    sum = (sum << 5 | sum >> 27) + (uint32_t)list->value * 31 + (uint32_t)list->place;
  }
  return sum;
}

uint32_t process_list(uint32_t seed) {
  struct node *list = make_list(seed);
  uint32_t crc = crc_of(~0u, sum_of(list));
  for (int i = 0; i < SEARCHES; i++) {
    int32_t wanted = (int32_t)(next_random(&seed) % 1000);
    uint32_t steps = 0;
    for (struct node *node = list; node && node->value != wanted; node = node->next) {
      steps++;
    }
    crc = crc_of(crc, steps);
    if (i % 8 == 0) {
      list = reverse(list);
    }
  }
  list = sort(list, by_value);
  crc = crc_of(crc, sum_of(list));
  list = sort(list, by_place);
  return crc_of(crc, sum_of(list));
}
