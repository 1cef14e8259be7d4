// Bytes to and from the host, over one port of a virtio console.
//
// Such a port is unlike a pipe or a socket: it can be opened once only; while the host is not
// connected, poll says POLLHUP, read returns 0 and a write that must not wait says EAGAIN; and all
// of that passes when the host comes back, with the same file descriptor.
#include "agent.h"

enum { OUTPUT_SIZE = 65536 };

uint8_t input[sizeof(struct header) + MAX_PAYLOAD + 1];  // and a place for a command's final zero
uint64_t input_length;

static uint8_t output[OUTPUT_SIZE];
static uint64_t output_start;
static uint64_t output_end;
static int port = -1;

bool open_port(const char *path) {
  port = (int)sys_open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  input_length = output_start = output_end = 0;
  return port >= 0;
}

void close_port(void) {
  sys_close(port);
  port = -1;
}

int port_fd(void) { return port; }

enum port_state fill_input(void) {
  uint64_t room = sizeof input - 1 - input_length;
  int64_t got = sys_read(port, input + input_length, room);
  if (got == -EAGAIN || got == -EINTR) {
    return CONNECTED;
  }
  if (got <= 0) {
    return got == 0 ? HUNG_UP : BROKEN;
  }
  input_length += (uint64_t)got;
  return CONNECTED;
}

void drop_input(uint64_t bytes) {
  input_length -= bytes;
  for (uint64_t i = 0; i < input_length; i++) {
    input[i] = input[i + bytes];
  }
}

enum port_state flush_output(void) {
  while (output_start < output_end) {
    int64_t sent = sys_write(port, output + output_start, output_end - output_start);
    if (sent == -EINTR) {
      continue;
    }
    if (sent == -EAGAIN || sent == 0) {
      return CONNECTED;
    }
    if (sent < 0) {
      return BROKEN;
    }
    output_start += (uint64_t)sent;
  }
  output_start = output_end = 0;
  return CONNECTED;
}

bool output_empty(void) { return output_end == 0; }

// A frame of which the host has the beginning must be finished, or the host takes what follows for
// the rest of it. All frames behind it can go.
void drop_unsent_frames(void) {
  uint64_t border = 0;
  while (border < output_start) {
    border += sizeof(struct header) + ((struct header *)(output + border))->length;
  }
  output_end = border;
}

uint64_t output_room(void) {
  uint64_t needed = output_end + sizeof(struct header);
  return needed < OUTPUT_SIZE ? OUTPUT_SIZE - needed : 0;
}

uint8_t *payload_place(void) { return output + output_end + sizeof(struct header); }

void append_frame(enum frame_type type, uint32_t id, uint32_t length) {
  *(struct header *)(output + output_end) = (struct header){MAGIC, (uint8_t)type, {0}, id, length};
  output_end += sizeof(struct header) + length;
}
