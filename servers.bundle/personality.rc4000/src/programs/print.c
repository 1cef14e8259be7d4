/* Talking to the external processes console, clock and host, and making children. */
#include <stdarg.h>
#include "nucleus.h"

/* The compiler may call these. */
void *memset(void *to, int byte, unsigned long count) {
  for (char *at = to; count--;) *at++ = byte;
  return to;
}

void *memcpy(void *to, const void *from, unsigned long count) {
  char *at = to;
  for (const char *next = from; count--;) *at++ = *next++;
  return to;
}

long ask(name receiver, word *message) {
  long buffer = send_message(receiver, message);
  return buffer < 0 ? buffer : wait_answer(buffer, message);
}

void print(const char *format, ...) {
  char line[256];
  int length = 0;
  va_list values;
  va_start(values, format);
  for (; *format && length < 200; format++) {
    if (*format != '%') {
      line[length++] = *format;
      continue;
    }
    switch (*++format) {
      case 's': {
        const char *text = va_arg(values, const char *);
        while (*text && length < 220) line[length++] = *text++;
        break;
      }
      case 'n':
        for (name rest = va_arg(values, name); rest; rest >>= 8) line[length++] = rest & 0xff;
        break;
      default: {
        unsigned base = *format == 'x' ? 16 : 10;
        word value = va_arg(values, word);
        unsigned long rest = value;
        char digits[20];
        int count = 0;
        if (base == 10 && value < 0) {
          line[length++] = '-';
          rest = -rest;
        }
        do digits[count++] = "0123456789abcdef"[rest % base];
        while (rest /= base);
        while (count) line[length++] = digits[--count];
      }
    }
  }
  va_end(values);
  word message[WORDS] = {1, (word)line, length};
  ask(named("console"), message);
}

word read_console(char *to, unsigned long most) {
  word message[WORDS] = {2, (word)to, most};
  return ask(named("console"), message) == DONE ? message[0] : -1;
}

void end(int status) {
  word message[WORDS] = {status};
  ask(named("host"), message);
  for (;;) {
  }
}

void sleep(word nanos) {
  word message[WORDS] = {nanos};
  ask(named("clock"), message);
}

word now(void) {
  word message[WORDS] = {0};
  ask(named("clock"), message);
  return message[0];
}

/* A child with a copy of this program at the begin of its storage, started. */
int make(name child, unsigned long offset, unsigned long bytes, long buffers, void *entry, word argument) {
  char *storage = (char *)STORAGE + offset;
  unsigned long *to = (unsigned long *)storage;
  for (unsigned long *from = (unsigned long *)image_start; from < (unsigned long *)image_end;) *to++ = *from++;
  long result = create_process(child, storage, bytes, buffers, entry, argument);
  if (result < 0 || (result = start_process(child)) < 0) {
    print("%n is not made: %d\n", child, result);
    return 0;
  }
  return 1;
}

word number(const char **text) {
  word value = 0;
  while (**text == ' ') ++*text;
  while (**text >= '0' && **text <= '9') value = 10 * value + *(*text)++ - '0';
  return value;
}
