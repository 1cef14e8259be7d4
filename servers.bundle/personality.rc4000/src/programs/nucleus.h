/* The nucleus of the RC 4000, as a program sees it [BH70]: four calls to talk, four to govern children. */
#ifndef NUCLEUS_H
#define NUCLEUS_H

typedef long word;
typedef unsigned long name; /* up to eight characters */

enum { WORDS = 8, PAGE = 4096, STORAGE = 0x10000 };
enum { DUMMY = 0, DONE = 1, REJECTED = 2 };                /* results of an answer */
enum { UNKNOWN = -1, NO_BUFFER = -2, FAULT = -1 };         /* what calls answer in vain; first word of a fault */

/* Communication. A buffer is a number from 1 on; negative: in vain. */
long send_message(name receiver, const word *message);
long wait_message(word *message, name *sender);
long send_answer(long buffer, const word *answer, long result);
long wait_answer(long buffer, word *answer);

/* Control. The storage is a part of the caller's, in pages; the entry is where the child will find it. */
long create_process(name child, void *storage, unsigned long bytes, long buffers, void *entry, word argument);
long start_process(name child);
long stop_process(name child);
long remove_process(name child);

extern char image_start[], image_end[];

/* A name from a text of at most eight characters. */
static inline name named(const char *text) {
  name word = 0;
  for (int i = 0; text[i] && i < 8; i++) word |= (name)(unsigned char)text[i] << 8 * i;
  return word;
}

/* The same with a number behind it. */
static inline name numbered(const char *text, int number) {
  char all[9];
  int length = 0;
  while (text[length]) all[length] = text[length], length++;
  if (number >= 10) all[length++] = '0' + number / 10;
  all[length++] = '0' + number % 10;
  all[length] = 0;
  return named(all);
}

/* print.c */
void print(const char *format, ...); /* %s text, %n name, %d number, %x hexadecimal */
word read_console(char *to, unsigned long most); /* waits for input; how many bytes, or -1 */
void end(int status) __attribute__((noreturn));
word now(void);         /* nanoseconds since the start */
void sleep(word nanos);
long ask(name receiver, word *message); /* send message, wait answer; the result */
int make(name child, unsigned long offset, unsigned long bytes, long buffers, void *entry, word argument);
word number(const char **text); /* the next number of a text, 0 when there is none */

/* policies.c */
void batch(word jobs, name parent);
void robin(word jobs, name parent);

#endif
