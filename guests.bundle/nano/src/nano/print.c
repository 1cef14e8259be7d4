// Text in and out of numbers. There is no C library here.
#include "nano.h"

static void print_number(uint64_t value, uint64_t base) {
  char digits[20];  // 2^64 has twenty decimal digits
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) {
    put_char(digits[--count]);
  }
}

static void print_text(const char *text) {
  while (*text != 0) {
    put_char(*text++);
  }
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format != 0; format++) {
    if (*format != '%') {
      put_char(*format);
      continue;
    }
    format++;
    switch (*format) {
      case 's': print_text(va_arg(arguments, const char *)); break;
      case 'c': put_char((char)va_arg(arguments, int)); break;
      case 'u': print_number(va_arg(arguments, uint64_t), 10); break;
      case 'x': print_number(va_arg(arguments, uint64_t), 16); break;
      default: put_char(*format); break;
    }
  }
  va_end(arguments);
}

bool same(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

// Decimal, at most 18 digits, so that it cannot overflow.
bool parse_number(const char *text, uint64_t *value) {
  int digits = 0;
  for (*value = 0; *text >= '0' && *text <= '9'; text++, digits++) {
    *value = *value * 10 + (uint64_t)(*text - '0');
  }
  return digits > 0 && digits <= 18 && *text == 0;
}
