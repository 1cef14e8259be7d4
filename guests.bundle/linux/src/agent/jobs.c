// Running commands: each is a shell in a process group of its own, with one pipe for all its
// output.
#include "agent.h"

enum { CHUNK = 16384 };  // output taken from one job at a time, in bytes

enum state {
  FREE,
  RUNNING,    // the shell is there
  ENDED,      // the shell has ended; `left` bytes of its output and its EXIT are still to be sent
  LEFT_OVER,  // EXIT is sent; something in the background still has the pipe, and nobody listens
};

static struct job {
  enum state state;
  uint32_t id;
  int pid;
  int pipe;       // where its output comes from; -1 when nobody has the other end any more
  uint64_t left;  // in bytes
  struct exit exit;
} jobs[MAX_JOBS];

static uint32_t first;  // whose turn it is to send output first, so that all get their share
static char **environment;
static int null_device;

// The null device takes the places of standard input, output and error if they are not open. So no
// file that is opened later is one of those three, and starting a job can replace them safely.
void prepare_jobs(char **variables) {
  environment = variables;
  do {
    null_device = (int)sys_open("/dev/null", O_RDWR);
  } while (null_device >= 0 && null_device <= 2);
}

static struct job *find_job(uint32_t id) {
  for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
    if (job->id == id && (job->state == RUNNING || job->state == ENDED)) {
      return job;
    }
  }
  return 0;
}

bool job_exists(uint32_t id) { return find_job(id) != 0; }

static void close_pipe(struct job *job) {
  if (job->pipe >= 0) {
    sys_close(job->pipe);
  }
  job->pipe = -1;
}

_Noreturn static void become_shell(char *command, int in, int output) {
  static const uint64_t signals = 1ul << (SIGCHLD - 1) | 1ul << (SIGPIPE - 1);
  char *arguments[] = {"sh", "-c", command, 0};
  sys_setpgid(0, 0);
  sys_mask(SIG_UNBLOCK, &signals);
  sys_dup(in, 0);
  sys_dup(output, 1);
  sys_dup(output, 2);
  sys_close(null_device);  // the other files close themselves
  system_call(SYS_execve, (int64_t) "/bin/sh", (int64_t)arguments, (int64_t)environment, 0, 0);
  static const char message[] = "agent: cannot run /bin/sh\n";
  sys_write(2, message, sizeof message - 1);
  sys_exit(127);
}

// Returns 0 or a negative error number.
static int64_t try_start(struct job *job, char *command, int in) {
  int32_t ends[2];
  int64_t error = sys_pipe(ends);
  if (error < 0) {
    return error;
  }
  int64_t pid = sys_fork();
  if (pid == 0) {
    become_shell(command, in, ends[1]);
  }
  sys_close(ends[1]);
  if (pid < 0) {
    sys_close(ends[0]);
    return pid;
  }
  // Both parent and child do this, so that it is done for each of them before it goes on.
  sys_setpgid((int)pid, (int)pid);
  system_call(SYS_fcntl, ends[0], F_SETFL, O_NONBLOCK, 0, 0);
  job->state = RUNNING;
  job->pid = (int)pid;
  job->pipe = ends[0];
  return 0;
}

// A free place, else one of a job whose host has its EXIT already; null when all are in use.
static struct job *take_place(void) {
  struct job *left_over = 0;
  for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
    if (job->state == FREE) {
      return job;
    }
    left_over = job->state == LEFT_OVER ? job : left_over;
  }
  if (left_over) {
    close_pipe(left_over);
    left_over->state = FREE;
  }
  return left_over;
}

static void start(uint32_t id, uint8_t *command, uint32_t length, int in) {
  int64_t error = in < 0 ? in : 0;
  for (uint32_t i = 0; i < length; i++) {
    error = command[i] == 0 ? -EINVAL : error;
  }
  struct job *job = error == 0 ? take_place() : 0;
  if (job) {
    uint8_t next = command[length];  // the final zero goes where the next frame may begin
    command[length] = 0;
    *job = (struct job){.id = id, .pipe = -1};
    error = try_start(job, (char *)command, in);
    command[length] = next;
  } else if (error == 0) {
    error = -EAGAIN;
  }
  if (error != 0) {
    *(struct exit *)payload_place() = (struct exit){NOT_STARTED, (uint32_t)-error};
    append_frame(EXIT, id, sizeof(struct exit));
  }
}

void start_job(uint32_t id, uint8_t *command, uint32_t length) {
  start(id, command, length, null_device);
}

// A pipe with those bytes, and nothing behind them. An empty one takes as many as a frame can have;
// where it does not (somebody has all the memory for pipes), that is an error.
static int64_t full_pipe(const uint8_t *bytes, uint32_t length) {
  int32_t ends[2];
  int64_t error = sys_pipe(ends);
  if (error < 0) {
    return error;
  }
  system_call(SYS_fcntl, ends[1], F_SETFL, O_NONBLOCK, 0, 0);
  int64_t written = length == 0 ? 0 : sys_write(ends[1], bytes, length);
  sys_close(ends[1]);
  if (written != length) {
    sys_close(ends[0]);
    return written < 0 ? written : -ENOMEM;
  }
  return ends[0];
}

// The length of the command, the command, and what it reads from its standard input.
void start_fed_job(uint32_t id, uint8_t *payload, uint32_t length) {
  uint32_t command = ((const struct feed *)payload)->command;
  uint32_t rest = length - (uint32_t)sizeof(struct feed);
  uint8_t *text = payload + sizeof(struct feed);
  if (command > rest) {
    start(id, text, 0, -EINVAL);
    return;
  }
  int in = (int)full_pipe(text + command, rest - command);
  start(id, text, command, in);
  if (in >= 0) {
    sys_close(in);
  }
}

void kill_job(uint32_t id) {
  struct job *job = find_job(id);
  if (job && job->state == RUNNING) {
    sys_kill(-job->pid, SIGKILL);
  }
}

void kill_all_jobs(void) {
  for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
    if (job->state == RUNNING) {
      sys_kill(-job->pid, SIGKILL);
    }
    // What was left in the background goes on, so its pipe stays open.
    if (job->state == RUNNING || job->state == ENDED) {
      close_pipe(job);
      job->state = FREE;
    }
  }
}

// When a shell ends, all that it and the commands it waited for have written is in the pipe; what
// comes later is from the background. So what is in there now is what belongs to the job.
static void note_end(struct job *job, uint32_t status) {
  int32_t waiting = 0;
  if (job->pipe >= 0) {
    system_call(SYS_ioctl, job->pipe, FIONREAD, (int64_t)&waiting, 0, 0);
  }
  job->state = ENDED;
  job->left = (uint64_t)waiting;
  uint32_t signal = status & 0x7f;
  job->exit = signal == 0 ? (struct exit){EXITED, status >> 8 & 0xff}
                          : (struct exit){SIGNALLED, signal};
}

void reap_children(void) {
  for (;;) {
    int32_t status = 0;
    int64_t pid = system_call(SYS_wait4, -1, (int64_t)&status, WNOHANG, 0, 0);
    if (pid <= 0) {
      return;
    }
    for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
      if (job->state == RUNNING && job->pid == pid) {
        note_end(job, (uint32_t)status);
      }
    }
  }
}

// Moves some of a job's output to the host, and its EXIT when that was all.
static void emit_job(struct job *job) {
  uint64_t most = job->state == ENDED && job->left < CHUNK ? job->left : CHUNK;
  if (job->pipe >= 0 && most > 0) {
    int64_t got = sys_read(job->pipe, payload_place(), most);
    if (got > 0) {
      append_frame(OUT, job->id, (uint32_t)got);
      job->left -= job->state == ENDED ? (uint64_t)got : 0;
    } else if (got != -EAGAIN && got != -EINTR) {
      close_pipe(job);
    }
  }
  if (job->state == ENDED && (job->pipe < 0 || job->left == 0)) {
    *(struct exit *)payload_place() = job->exit;
    append_frame(EXIT, job->id, sizeof job->exit);
    job->state = job->pipe < 0 ? FREE : LEFT_OVER;
  }
}

void emit_output(void) {
  for (uint32_t i = 0; i < MAX_JOBS; i++) {
    struct job *job = &jobs[(first + i) % MAX_JOBS];
    // Some room is kept for answers, so that the host can still kill what it does not want to read.
    if ((job->state == RUNNING || job->state == ENDED) && output_room() >= CHUNK + ANSWER_ROOM) {
      emit_job(job);
    }
  }
  first = (first + 1) % MAX_JOBS;
}

// Whoever is left in the background must neither wait for ever for somebody to read its output, nor
// be killed because nobody does.
void drain_left_over(void) {
  static uint8_t nowhere[4096];
  for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
    if (job->state == LEFT_OVER) {
      int64_t got = sys_read(job->pipe, nowhere, sizeof nowhere);
      if (got <= 0 && got != -EAGAIN && got != -EINTR) {
        close_pipe(job);
        job->state = FREE;
      }
    }
  }
}

// A pipe is not looked at while the host has not taken what is already there: the job then waits
// for the host, as it would for a slow terminal. Only what nobody listens to is always taken.
int add_job_pipes(struct poll_entry *entries, bool connected) {
  int count = 0;
  for (struct job *job = jobs; job < jobs + MAX_JOBS; job++) {
    bool wanted = job->state == LEFT_OVER || (connected && output_empty());
    if (job->state != FREE && wanted && job->pipe >= 0) {
      entries[count++] = (struct poll_entry){job->pipe, POLLIN, 0};
    }
  }
  return count;
}
