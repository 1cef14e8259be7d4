// Recognises numbers in a text, character by character: a state machine of switches and short
// branches.
#include "mix.h"

enum { TEXT = 1800, STATES = 8 };
enum state { START, INTEGER, HEXADECIMAL, POINT, FRACTION, EXPONENT, POWER, INVALID };

static char text[TEXT];
static uint32_t seen[STATES];  // how many words ended in each state
static uint32_t moves[STATES];

static const char *const words[] = {
    "5012",   "1234",     "-874",   "+122",     "35.54400", ".1234500",
    "-110.7", "+0.64400", "5.5e+3", "-.123e-2", "-87e+83",  "+0.6e-12",
    "0x2a7f", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^"};

static void write_text(uint32_t seed) {
  uint32_t end = 0;
  while (end < TEXT) {
    const char *word = words[next_random(&seed) % (sizeof words / sizeof words[0])];
    while (*word != 0 && end < TEXT) {
      text[end++] = *word++;
    }
    if (end < TEXT) {
      text[end++] = ',';
    }
  }
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static int is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

static enum state next_state(enum state state, char c, char before) {
  switch (state) {
    case START:
      return is_digit(c) ? INTEGER : c == '.' ? POINT : c == '+' || c == '-' ? START : INVALID;
    case INTEGER:
      if (is_digit(c)) {
        return INTEGER;
      }
      return c == '.' ? FRACTION : c == 'e' ? EXPONENT : c == 'x' && before == '0' ? HEXADECIMAL
                                                                                  : INVALID;
    case HEXADECIMAL: return is_hex(c) ? HEXADECIMAL : INVALID;
    case POINT: return is_digit(c) ? FRACTION : INVALID;
    case FRACTION: return is_digit(c) ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return is_digit(c) || c == '+' || c == '-' ? POWER : INVALID;
    case POWER: return is_digit(c) ? POWER : INVALID;
    default: return INVALID;
  }
}

static void scan(void) {
  enum state state = START;
  char before = 0;
  for (uint32_t i = 0; i < TEXT; i++) {
    char c = text[i];
    if (c == ',') {
      seen[state]++;
      state = START;
    } else {
      enum state next = next_state(state, c, before);
      moves[next] += next != state;
      state = next;
    }
    before = c;
  }
}

uint32_t recognise_numbers(uint32_t seed) {
  for (int i = 0; i < STATES; i++) {
    seen[i] = moves[i] = 0;
  }
  write_text(seed);
  scan();
  // Damage some characters and look again.
  for (uint32_t i = seed % 7; i < TEXT; i += 13) {
    if (text[i] != ',') {
      text[i] ^= (char)(seed & 3);
    }
  }
  scan();
  uint32_t crc = ~0u;
  for (int i = 0; i < STATES; i++) {
    crc = crc_of(crc, seen[i] << 16 | moves[i]);
  }
  return crc;
}
