/* Two operating systems. Each is a process that runs jobs in its own storage, and knows how; the nucleus does not. */
#include "nucleus.h"

enum { JOB_BYTES = 16 * PAGE, FIRST_JOB = 32 * PAGE, MOST_JOBS = 20, SLICE_NANOS = 1000000, ROUNDS = 400000 };

/* A job computes for a while, says what came out, and waits to be removed. */
static void job(word rounds, name parent) {
  unsigned long x = 1;
  for (word i = 0; i < rounds; i++) x = x * 6364136223846793005ul + 1442695040888963407ul;
  for (;;) {
    word message[WORDS] = {DONE, x};
    ask(parent, message);
  }
}

/* The first job is the longest. */
static word rounds_of(word jobs, word which) { return ROUNDS * (jobs - which); }

static unsigned long expected(word rounds) {
  unsigned long x = 1;
  for (word i = 0; i < rounds; i++) x = x * 6364136223846793005ul + 1442695040888963407ul;
  return x;
}

static void report(name parent, word done, word starts, word order) {
  for (;;) {
    word message[WORDS] = {DONE, done, starts, order};
    ask(parent, message);
  }
}

/* First in, first out: one job at a time, to its end. Says how many were right, how often it started one, and in which
   order they ended, a digit each. */
void batch(word jobs, name parent) {
  word right = 0, starts = 0, order = 0;
  for (word i = 0; i < jobs; i++) {
    name child = numbered("b", i);
    if (!make(child, FIRST_JOB, JOB_BYTES, 1, job, rounds_of(jobs, i))) break;
    starts++;
    word message[WORDS];
    name sender;
    long buffer = wait_message(message, &sender);
    right += sender == child && message[0] == DONE && message[1] == (word)expected(rounds_of(jobs, i));
    order = 10 * order + i + 1;
    send_answer(buffer, message, DONE);
    remove_process(child);
  }
  report(parent, right, starts, order);
}

/* Says every slice that it is over: who waits for messages only can wait for the time in this way. */
static void ticker(word nanos, name parent) {
  for (;;) {
    sleep(nanos);
    word message[WORDS] = {0};
    ask(parent, message);
  }
}

/* Round robin: all jobs are there from the start, one runs, and each slice it is another one's turn. */
void robin(word jobs, name parent) {
  word right = 0, starts = 0, order = 0, left = jobs, turn = 0;
  char ended[MOST_JOBS];
  for (word i = 0; i < jobs; i++) {
    ended[i] = 0;
    if (!make(numbered("r", i), FIRST_JOB + i * JOB_BYTES, JOB_BYTES, 1, job, rounds_of(jobs, i)) ||
        (i > 0 && stop_process(numbered("r", i)) < 0)) {
      report(parent, 0, 0, 0);
    }
  }
  make(named("tick"), FIRST_JOB + MOST_JOBS * JOB_BYTES, JOB_BYTES, 1, ticker, SLICE_NANOS);
  starts = 1;
  while (left > 0) {
    word message[WORDS];
    name sender;
    long buffer = wait_message(message, &sender);
    if (sender == named("tick")) {
      stop_process(numbered("r", turn));
    } else {
      for (word i = 0; i < jobs; i++) {
        if (sender == numbered("r", i) && !ended[i]) {
          right += message[0] == DONE && message[1] == (word)expected(rounds_of(jobs, i));
          order = 10 * order + i + 1;
          ended[i] = 1;
          left--;
          remove_process(sender);
        }
      }
    }
    if (left > 0 && (sender == named("tick") || ended[turn])) {
      do turn = (turn + 1) % jobs;
      while (ended[turn]);
      start_process(numbered("r", turn));
      starts++;
    }
    send_answer(buffer, message, DONE);
  }
  remove_process(named("tick"));
  report(parent, right, starts, order);
}
