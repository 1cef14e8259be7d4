// Pipes and files between processes: ping-pong, many writers, a full pipe, dup2, poll, select, the
// end of input, a reader that is gone; directories and what is known of files.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char bytes[200000];

static int ended(pid_t pid) {
  int status;
  waitpid(pid, &status, 0);
  return status;
}

static void ping_pong(void) {
  int there[2], back[2];
  if (pipe(there) || pipe(back)) {
    perror("pipe");
    exit(1);
  }
  pid_t pid = fork();
  int number = 0;
  if (pid == 0) {
    close(there[1]);
    while (read(there[0], &number, sizeof number) == sizeof number) {
      number++;
      if (write(back[1], &number, sizeof number) != sizeof number) {
        _exit(1);
      }
    }
    _exit(9);
  }
  close(there[0]);
  for (int i = 0; i < 200; i++) {
    if (write(there[1], &number, sizeof number) < 0 || read(back[0], &number, sizeof number) < 0) {
      perror("ping-pong");
    }
  }
  close(there[1]);
  printf("ping-pong: %d, child 0x%x\n", number, ended(pid));
  close(back[0]);
  close(back[1]);
}

static void much(void) {
  int ends[2];
  if (pipe(ends)) {
    exit(1);
  }
  for (int writer = 0; writer < 3; writer++) {
    if (fork() == 0) {
      memset(bytes, 'a' + writer, sizeof bytes);
      size_t done = 0;
      while (done < sizeof bytes) {
        ssize_t part = write(ends[1], bytes + done, sizeof bytes - done);
        if (part <= 0) {
          _exit(1);
        }
        done += (size_t)part;
      }
      _exit(0);
    }
  }
  close(ends[1]);
  long counts[3] = {0};
  for (ssize_t part; (part = read(ends[0], bytes, 5000)) > 0;) {
    for (ssize_t i = 0; i < part; i++) {
      counts[bytes[i] - 'a']++;
    }
  }
  while (wait(NULL) > 0) {
  }
  printf("much: %ld %ld %ld\n", counts[0], counts[1], counts[2]);
  close(ends[0]);
}

static void edges(void) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK)) {
    exit(1);
  }
  printf("empty: %zd, %s\n", read(ends[0], bytes, 1), strerror(errno));
  long room = 0;
  for (ssize_t part; (part = write(ends[1], bytes, 4096)) > 0;) {
    room += part;
  }
  printf("full after %ld: %s\n", room, strerror(errno));
  struct pollfd polled[] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {99, POLLIN, 0}};
  printf("poll: %d:", poll(polled, 3, 0));
  printf(" %x %x %x\n", polled[0].revents, polled[1].revents, polled[2].revents);
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);
  printf("no reader: %zd, %s\n", write(ends[1], bytes, 1), strerror(errno));
  close(ends[1]);
  signal(SIGPIPE, SIG_DFL);
  fflush(stdout);
  if (pipe(ends)) {
    exit(1);
  }
  close(ends[0]);
  pid_t pid = fork();
  if (pid == 0) {
    _exit(write(ends[1], bytes, 1) == 1);
  }
  printf("killed by it: 0x%x\n", ended(pid));
  close(ends[1]);
  char *volatile nowhere = (char *)8;
  printf("bad address: %zd, %s\n", read(open("/dev/zero", O_RDONLY), nowhere, 5), strerror(errno));
  printf("bad descriptor: %zd, %s\n", read(77, bytes, 1), strerror(errno));
}

static void waiting(void) {
  int ends[2];
  if (pipe(ends)) {
    exit(1);
  }
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  struct timeval soon = {0, 20000};
  printf("select in vain: %d\n", select(ends[0] + 1, &set, NULL, NULL, &soon));
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    usleep(20000);
    _exit(write(ends[1], "x", 1) != 1);
  }
  struct pollfd polled = {ends[0], POLLIN, 0};
  printf("poll: %d %x\n", poll(&polled, 1, -1), polled.revents);
  printf("writer 0x%x\n", ended(pid));
}

static void redirection(void) {
  char folder[] = "/tmp/pipesXXXXXX";
  if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
    perror(folder);
    exit(1);
  }
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    int file = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0640);
    dup2(file, 1);
    close(file);
    puts("into the file");
    fflush(stdout);
    _exit(lseek(1, 0, SEEK_CUR) == 14 ? 3 : 4);
  }
  printf("redirected: 0x%x\n", ended(pid));
  int file = open("out", O_RDWR);
  struct stat status;
  fstat(file, &status);
  printf("size %ld, mode %o\n", (long)status.st_size, status.st_mode);
  char one[6] = "", two[20] = "";
  struct iovec parts[] = {{one, 5}, {two, 19}};
  printf("readv: %zd", readv(file, parts, 2));
  printf(" '%s' '%.8s'\n", one, two);
  pid = fork();
  if (pid == 0) {
    _exit((int)lseek(file, 5, SEEK_SET));
  }
  ended(pid);
  printf("position is shared: %ld\n", (long)lseek(file, 0, SEEK_CUR));
  if (pwrite(file, "END", 3, 5000) != 3 || ftruncate(file, 5002) != 0) {
    perror("pwrite");
  }
  printf("hole: %zd", pread(file, bytes, sizeof bytes, 14));
  printf(" %d %d %c\n", bytes[0], bytes[4000], bytes[4986]);
  close(file);
  printf("again: %d, %s\n", open("out", O_CREAT | O_EXCL | O_RDWR, 0600), strerror(errno));
  if (mkdir("d", 0755) || symlink("../out", "d/link") || rename("out", "renamed") || link("renamed", "out")) {
    perror("names");
  }
  printf("link: %d\n", access("d/link", R_OK));
  printf("not empty: %d, %s\n", rmdir("d"), strerror(errno));
  struct dirent **names;
  int count = scandir(".", &names, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    printf("%s %d\n", names[i]->d_name, names[i]->d_type);
  }
  if (unlink("d/link") || rmdir("d") || unlink("out") || unlink("renamed") || chdir("/") || rmdir(folder)) {
    perror("removing");
  }
  printf("gone: %d, %s\n", stat(folder, &status), strerror(errno));
}

int main(void) {
  ping_pong();
  much();
  edges();
  waiting();
  redirection();
  return 0;
}
