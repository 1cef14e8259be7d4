// What the files of the agent know about each other. What goes over the wire is in protocol.md.
#pragma once

#include "system.h"

enum { VERSION = 1, MAX_JOBS = 32, MAX_PAYLOAD = 65536 };
enum { ANSWER_ROOM = 4096 };  // of the output, kept free of what jobs print
enum frame_type { HELLO = 1, RUN = 2, KILL = 3, OUT = 4, EXIT = 5, FEED = 6 };
enum hello_reason { STARTED = 0, ANSWER = 1, MALFORMED = 2 };
enum exit_kind { EXITED = 0, SIGNALLED = 1, NOT_STARTED = 2 };

#define MAGIC 0x01417544u  // the bytes 'D' 'u' 'A' 1

// All numbers are little-endian, as this machine is, so structures go over the wire as they are.
// They are packed because a frame begins wherever the one before ends: the compiler then reads
// byte-wise.
struct __attribute__((packed)) header {
  uint32_t magic;
  uint8_t type;
  uint8_t zero[3];
  uint32_t id;
  uint32_t length;  // of the payload that follows
};

struct __attribute__((packed)) hello {
  uint32_t version;
  uint32_t reason;
  uint64_t nonce;
};

struct __attribute__((packed)) exit {
  uint32_t kind;
  uint32_t code;
};

struct __attribute__((packed)) feed {
  uint32_t command;  // bytes of the command, which follows; the rest is its input
};

// port.c: bytes to and from the host.
enum port_state { CONNECTED, HUNG_UP, BROKEN };
bool open_port(const char *path);
void close_port(void);
int port_fd(void);
enum port_state fill_input(void);
enum port_state flush_output(void);
bool output_empty(void);
void drop_unsent_frames(void);
uint64_t output_room(void);  // for the payload of one more frame
uint8_t *payload_place(void);
void append_frame(enum frame_type type, uint32_t id, uint32_t length);
extern uint8_t input[sizeof(struct header) + MAX_PAYLOAD + 1];
extern uint64_t input_length;
void drop_input(uint64_t bytes);

// session.c: what frames mean.
void begin_session(enum hello_reason reason, uint64_t nonce);
void take_frames(void);
bool frame_waits(void);  // for room for its answer
void lose_input(void);
int64_t frame_deadline(void);  // in ms of the monotonic clock; -1 when no frame is half there
void check_frame_deadline(void);

// jobs.c: running commands.
void prepare_jobs(char **environment);
bool job_exists(uint32_t id);
void start_job(uint32_t id, uint8_t *command, uint32_t length);
void start_fed_job(uint32_t id, uint8_t *payload, uint32_t length);
void kill_job(uint32_t id);
void kill_all_jobs(void);
void reap_children(void);
void emit_output(void);
void drain_left_over(void);
int add_job_pipes(struct poll_entry *entries, bool connected);
