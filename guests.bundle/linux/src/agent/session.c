// What frames mean. A session begins with the host's HELLO; before that, and after anything that is
// not a frame, all input is skipped until the next HELLO.
#include "agent.h"

enum { FRAME_TIMEOUT_MILLIS = 2000 };

static bool in_session;
static bool waiting;
static int64_t deadline = -1;

// Forgets all jobs and all output that the host has not begun to receive, and says so.
void begin_session(enum hello_reason reason, uint64_t nonce) {
  kill_all_jobs();
  drop_unsent_frames();
  in_session = reason == ANSWER;
  *(struct hello *)payload_place() = (struct hello){VERSION, reason, nonce};
  append_frame(HELLO, 0, sizeof(struct hello));
}

static bool well_formed(const struct header *header) {
  if (header->magic != MAGIC || header->zero[0] || header->zero[1] || header->zero[2]) {
    return false;
  }
  switch (header->type) {
    case HELLO: return header->id == 0 && header->length == sizeof(struct hello);
    case RUN: return header->length <= MAX_PAYLOAD && (!in_session || !job_exists(header->id));
    case FEED:
      return header->length >= sizeof(struct feed) && header->length <= MAX_PAYLOAD &&
             (!in_session || !job_exists(header->id));
    case KILL: return header->length == 0;
    default: return false;
  }
}

// The first place at or after `from` where a HELLO may begin, as far as its bytes are there.
static uint64_t find_hello(uint64_t from) {
  static const uint8_t start[] = {'D', 'u', 'A', 1, HELLO};
  for (; from < input_length; from++) {
    uint64_t i = 0;
    while (i < sizeof start && from + i < input_length && input[from + i] == start[i]) {
      i++;
    }
    if (i == sizeof start || from + i == input_length) {
      break;
    }
  }
  return from;
}

// The frame at the start of the input is none. Its jobs are lost, because nobody can tell any more
// which of the host's frames have been understood.
static void refuse_frame(void) {
  if (in_session) {
    begin_session(MALFORMED, 0);
  }
  drop_input(find_hello(1));
}

static void take_frame(const struct header *header, uint8_t *payload) {
  if (header->type == HELLO) {
    const struct hello *hello = (const struct hello *)payload;
    // A nonce of 0 would make the answer look like one that nobody asked for.
    if (hello->nonce != 0) {
      begin_session(ANSWER, hello->nonce);
      in_session = hello->version == VERSION;
    }
  } else if (in_session && header->type == RUN) {
    start_job(header->id, payload, header->length);
  } else if (in_session && header->type == FEED) {
    start_fed_job(header->id, payload, header->length);
  } else if (in_session && header->type == KILL) {
    kill_job(header->id);
  }
}

void take_frames(void) {
  waiting = false;
  const struct header *header = (const struct header *)input;
  if (!in_session) {
    drop_input(find_hello(0));
  }
  while (input_length >= sizeof *header) {
    if (!well_formed(header)) {
      refuse_frame();
      continue;
    }
    uint64_t size = sizeof *header + header->length;
    if (input_length < size) {
      break;
    }
    bool starts = header->type == RUN || header->type == FEED;
    if (starts && output_room() < sizeof(struct exit)) {
      waiting = true;
      deadline = -1;
      return;
    }
    take_frame(header, input + sizeof *header);
    drop_input(size);
    if (!in_session) {
      drop_input(find_hello(0));
    }
  }
  deadline = input_length == 0 ? -1 : now_millis() + FRAME_TIMEOUT_MILLIS;
}

bool frame_waits(void) { return waiting; }

// The host has gone: the rest of what it was sending will not come.
void lose_input(void) {
  drop_input(input_length);
  waiting = false;
  deadline = -1;
}

int64_t frame_deadline(void) { return deadline; }

// A host that was replaced in the middle of a frame begins with a HELLO, which so far was taken for
// the rest of that frame. When nothing more comes, it is looked for in there.
void check_frame_deadline(void) {
  if (deadline >= 0 && now_millis() >= deadline) {
    refuse_frame();
    take_frames();
  }
}
