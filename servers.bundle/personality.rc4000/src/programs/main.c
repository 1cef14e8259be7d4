/* The first process: shows what the nucleus does, one thing for each word of its argument. Ends with status 0 when all
   was as it should be. */
#include "nucleus.h"

enum { SYSTEM_BYTES = 0x200000, SLOT = 16 * PAGE, FIRST_SLOT = 0x100000 };

static int matches(const char *text, const char *word) {
  while (*word && *text == *word) text++, word++;
  return !*word && (!*text || *text == ' ');
}

static void verdict(const char *what, int well) { print("%s: %s\n", what, well ? "well" : "WRONG"); }

/* ---- systems: two policies beside each other ---- */

static int report(const char *what, word *message, word jobs) {
  print("%s: %d of %d jobs right, %d starts, ended in the order %d\n", what, message[1], jobs, message[2], message[3]);
  return message[1] == jobs;
}

static int systems(word jobs) {
  if (jobs < 2 || jobs > 9) jobs = 4;
  make(named("batch"), FIRST_SLOT, SYSTEM_BYTES, 4, batch, jobs);
  make(named("robin"), FIRST_SLOT + SYSTEM_BYTES, SYSTEM_BYTES, jobs + 4, robin, jobs);
  int well = 1;
  word seen[2][WORDS];
  for (int i = 0; i < 2; i++) {
    word message[WORDS];
    name sender;
    long buffer = wait_message(message, &sender);
    for (int j = 0; j < WORDS; j++) seen[sender == named("robin")][j] = message[j];
    remove_process(sender);
    send_answer(buffer, message, DONE); /* to nobody: the buffer is free */
  }
  well &= report("batch, first in first out", seen[0], jobs) && seen[0][2] == jobs;
  well &= report("robin, slices of 1 ms", seen[1], jobs) && seen[1][2] > jobs;
  return well;
}

/* ---- dummy: a receiver is removed in the middle of conversations ---- */

static void deaf(word takes) {
  word message[WORDS];
  name sender;
  for (word i = 0; i < takes; i++) wait_message(message, &sender);
  for (;;) sleep(1000000000000);
}

static void caller(word argument, name parent) {
  word message[WORDS] = {argument}, told[WORDS] = {0};
  long buffer = send_message(named("deaf"), message);
  ask(parent, told); /* it is sent */
  long result = wait_answer(buffer, message);
  for (;;) {
    word heard[WORDS] = {1, result};
    ask(parent, heard);
  }
}

static int dummy(word callers) {
  if (callers < 1 || callers > 16) callers = 8;
  make(named("deaf"), FIRST_SLOT, SLOT, 1, deaf, callers / 2);
  for (word i = 0; i < callers; i++) make(numbered("call", i), FIRST_SLOT + (i + 1) * SLOT, SLOT, 2, caller, i);
  word sent = 0, dummies = 0, heard = 0;
  while (heard < callers) {
    word message[WORDS];
    name sender;
    long buffer = wait_message(message, &sender);
    if (message[0] == 0 && ++sent == callers) remove_process(named("deaf"));
    if (message[0] == 1) heard++, dummies += message[1] == DUMMY;
    send_answer(buffer, message, DONE);
    if (message[0] == 1) remove_process(sender);
  }
  word nobody[WORDS] = {0};
  int unknown = ask(named("deaf"), nobody) == DUMMY;
  print("%d of %d callers of a removed process got a dummy answer\n", dummies, callers);
  return dummies == callers && unknown;
}

/* ---- exchange: what a conversation costs ---- */

static void echo(void) {
  word message[WORDS];
  name sender;
  for (;;) {
    long buffer = wait_message(message, &sender);
    message[1]++;
    send_answer(buffer, message, DONE);
  }
}

static int exchange(word rounds) {
  if (rounds < 1) rounds = 1000;
  make(named("echo"), FIRST_SLOT, SLOT, 0, echo, 0);
  word begun = now();
  word message[WORDS] = {0, 0};
  for (word i = 0; i < rounds; i++) {
    if (ask(named("echo"), message) != DONE) break;
  }
  word spent = now() - begun;
  remove_process(named("echo"));
  print("%d messages and answers, %d ns each\n", message[1], spent / rounds);
  begun = now();
  word made = 0;
  for (word i = 0; i < 100; i++) {
    made += make(named("child"), FIRST_SLOT, SLOT, 0, echo, 0) && stop_process(named("child")) == 0 &&
            remove_process(named("child")) == 0;
  }
  print("create, start, stop and remove: %d ns\n", (now() - begun) / 100);
  return message[1] == rounds && made == 100;
}

/* ---- chaos: servers and clients that are removed at any moment ---- */

enum { SERVERS = 6, CLIENTS = 14, BUFFERS = 2 };

static unsigned long next(unsigned long *x) { return (*x = *x * 6364136223846793005ul + 1442695040888963407ul) >> 33; }

static void client(word seed) {
  unsigned long x = seed;
  for (;;) {
    word first[WORDS] = {seed}, second[WORDS] = {~seed};
    long a = send_message(numbered("srv", next(&x) % SERVERS), first);
    long b = send_message(numbered("srv", next(&x) % SERVERS), second);
    if (a > 0) wait_answer(a, first);
    if (b > 0) wait_answer(b, second);
  }
}

static int begin(int which, word seed) {
  int server = which < SERVERS;
  name child = server ? numbered("srv", which) : numbered("cli", which - SERVERS);
  remove_process(child);
  return make(child, FIRST_SLOT + which * SLOT, SLOT, server ? 0 : BUFFERS, server ? (void *)echo : (void *)client,
              seed);
}

/* How many buffers there are: as many as can be sent. */
static word buffers(void) {
  long sent[256];
  word count = 0, message[WORDS] = {0};
  while (count < 256 && (sent[count] = send_message(named("nobody"), message)) > 0) count++;
  for (word i = 0; i < count; i++) wait_answer(sent[i], message);
  return count;
}

static int chaos(word rounds) {
  if (rounds < 1) rounds = 300;
  unsigned long x = 4000;
  word before = buffers(), made = 0;
  for (int i = 0; i < SERVERS + CLIENTS; i++) made += begin(i, i + 1);
  for (word i = 0; i < rounds; i++) {
    made += begin(next(&x) % (SERVERS + CLIENTS), next(&x));
    if (i % 8 == 0) sleep(1000000);
  }
  for (int i = 0; i < SERVERS + CLIENTS; i++) remove_process(i < SERVERS ? numbered("srv", i) : numbered("cli", i - SERVERS));
  word after = buffers();
  print("%d processes were made and removed; %d of %d buffers are left\n", made, after, before);
  return after == before && made == rounds + SERVERS + CLIENTS;
}

/* ---- fault: a child that does what it may not ---- */

static void intruder(word address) {
  *(volatile word *)address = 1;
  for (;;) {
  }
}

static int fault(void) {
  word message[WORDS];
  name sender;
  make(named("intruder"), FIRST_SLOT, SLOT, 1, intruder, STORAGE + SLOT);
  long buffer = wait_message(message, &sender);
  print("%n: fault %d at address 0x%x\n", sender, message[1], message[2]);
  int well = message[0] == FAULT && message[1] == 15 && message[2] == STORAGE + SLOT;
  return well && remove_process(sender) == 0 && send_answer(buffer, message, DONE) == 0;
}

/* ---- count: works for a while, all its life in one number ---- */

static int count(word rounds) {
  if (rounds < 1) rounds = 2000;
  make(named("echo"), FIRST_SLOT, SLOT, 0, echo, 0);
  word message[WORDS] = {0, 0}, waits = 0;
  for (word i = 0; i < rounds; i++) {
    if (ask(named("echo"), message) != DONE) return 0;
    if (i % 16 == 0) sleep(100000), waits++;
  }
  remove_process(named("echo"));
  print("%d messages and %d waits for the clock, none lost\n", message[1], waits);
  return message[1] == rounds;
}

/* ---- rounds: works when it is told to, and takes storage that nobody has touched before ---- */

static int rounds(unsigned long bytes) {
  unsigned long touched = FIRST_SLOT + SLOT, end = bytes - 2 * SLOT; /* the stack is above */
  make(named("echo"), FIRST_SLOT, SLOT, 0, echo, 0);
  print("\r\n> ");
  for (;;) {
    char line[32];
    unsigned length = 0;
    while (!length || line[length - 1] != '\r') {
      if (length == sizeof line) length = 0;
      word got = read_console(line + length, sizeof line - length);
      if (got <= 0) return 0;
      length += got;
    }
    line[length - 1] = 0;
    if (line[0] == 'q') return remove_process(named("echo")) == 0;
    const char *text = line;
    word pages = number(&text), wrong = 0, chain = 1;
    for (int i = 0; i < 300; i++) chain = (word)((unsigned long)chain * 6364136223846793005ul + 1442695040888963407ul);
    for (word i = 0; i < pages; i++, touched += PAGE) {
      if (touched >= end) {
        print("only %d pages\r\n> ", i);
        return 0;
      }
      volatile word *fresh = (volatile word *)(STORAGE + touched);
      wrong += *fresh;
      *fresh = 1;
    }
    word message[WORDS] = {0, chain};
    wrong += ask(named("echo"), message) != DONE || message[1] != chain + 1;
    print("%s %d pages at %d\r\n> ", wrong ? "NOT done" : "done", pages, now());
  }
}

void first_process(const char *argument, name nobody, unsigned long bytes) {
  (void)nobody;
  const char *text = argument;
  if (!*text) text = "systems dummy exchange chaos fault";
  while (*text) {
    const char *word = text;
    while (*text && *text != ' ') text++;
    const char *rest = text;
    long value = number(&rest);
    if (value > 0) text = rest;
    while (*text == ' ') text++;
    int well = 0;
    if (matches(word, "systems")) verdict("systems", well = systems(value));
    else if (matches(word, "dummy")) verdict("dummy", well = dummy(value));
    else if (matches(word, "exchange")) verdict("exchange", well = exchange(value));
    else if (matches(word, "chaos")) verdict("chaos", well = chaos(value));
    else if (matches(word, "fault")) verdict("fault", well = fault());
    else if (matches(word, "count")) verdict("count", well = count(value));
    else if (matches(word, "rounds")) well = rounds(bytes);
    else print("it shows: systems dummy exchange chaos fault count rounds\n");
    if (!well) end(1);
  }
  end(0);
}
