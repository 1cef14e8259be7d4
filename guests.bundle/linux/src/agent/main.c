// The agent: runs commands in a guest for the host. Usage: agent PORT, for instance /dev/vport0p1.
#include "agent.h"

enum { OPEN_TRIES = 50, OPEN_RETRY_MILLIS = 200, LOOK_AGAIN_MILLIS = 100 };

static void complain(const char *what, const char *about) {
  const char *texts[] = {"agent: ", what, about, "\n"};
  for (int i = 0; i < 4; i++) {
    uint64_t length = 0;
    while (texts[i][length] != 0) {
      length++;
    }
    sys_write(2, texts[i], length);
  }
}

// A signal that a child has ended, as something that poll can wait for.
static int open_child_signals(void) {
  static const uint64_t child = 1ul << (SIGCHLD - 1);
  static const uint64_t blocked = 1ul << (SIGCHLD - 1) | 1ul << (SIGPIPE - 1);
  sys_mask(SIG_BLOCK, &blocked);
  return (int)system_call(SYS_signalfd4, -1, (int64_t)&child, sizeof child,
                          O_NONBLOCK | O_CLOEXEC, 0);
}

static void take_child_signals(int signals) {
  uint8_t about[128];  // one struct signalfd_siginfo: signals of a kind that wait are one signal
  sys_read(signals, about, sizeof about);
  reap_children();
}

// Reads what has come and acts on it.
static enum port_state receive(int16_t happened) {
  if (happened & (POLLERR | POLLNVAL)) {
    return BROKEN;
  }
  if (!(happened & (POLLIN | POLLHUP))) {
    return CONNECTED;
  }
  enum port_state state = fill_input();
  take_frames();
  if (state == HUNG_UP || (state == CONNECTED && happened & POLLHUP)) {
    lose_input();
    return HUNG_UP;
  }
  return state;
}

// Serves one opening of the port, until the port is gone.
static void serve_port(int signals) {
  enum port_state state = CONNECTED;
  bool more = false;  // all that there was is sent, so there may be more to send at once
  begin_session(STARTED, 0);
  for (;;) {
    // Poll returns at once for a port without a host. So when there was none a moment ago, the port
    // is left out for a while, and then looked at again.
    bool look = state == CONNECTED;
    int16_t wanted = (frame_waits() ? 0 : POLLIN) | (output_empty() ? 0 : POLLOUT);
    struct poll_entry entries[2 + MAX_JOBS] = {{signals, POLLIN, 0},
                                               {look ? port_fd() : -1, wanted, 0}};
    int count = 2 + add_job_pipes(entries + 2, look);
    int64_t timeout = look ? -1 : LOOK_AGAIN_MILLIS;
    if (look && frame_deadline() >= 0) {
      int64_t rest = frame_deadline() - now_millis();
      timeout = rest > 0 ? rest : 0;
    }
    sys_poll(entries, count, more ? 0 : timeout);

    take_child_signals(signals);
    drain_left_over();
    more = false;
    state = look ? receive(entries[1].happened) : CONNECTED;
    if (look && state == CONNECTED) {
      check_frame_deadline();
      if (output_empty()) {
        emit_output();
        more = !output_empty();
      }
      state = flush_output();
      more = more && output_empty();
      if (frame_waits() && output_empty()) {
        take_frames();
      }
    }
    if (state == BROKEN) {
      return;
    }
  }
}

int run_agent(int argument_count, char **arguments) {
  if (argument_count != 2) {
    complain("usage: agent PORT", "");
    return 2;
  }
  int signals = open_child_signals();
  prepare_jobs(arguments + argument_count + 1);
  for (int tries = 0; tries < OPEN_TRIES; tries++) {
    if (open_port(arguments[1])) {
      serve_port(signals);
      kill_all_jobs();
      close_port();
      tries = 0;
    }
    // The port may not be there yet, or come back when its driver does.
    sys_poll(0, 0, OPEN_RETRY_MILLIS);
  }
  complain("cannot open ", arguments[1]);
  return 1;
}
