package duality.servers.policy;

import java.util.Arrays;

/** Numbers in a row, without boxes. */
final class LongArray {
  private static final int LEAST = 64;

  private long[] numbers;
  private int size;

  LongArray() {
    this(0);
  }

  /** With room for so many. */
  LongArray(int expected) {
    numbers = new long[Math.max(expected, LEAST)];
  }

  void add(long number) {
    if (size == numbers.length) {
      numbers = Arrays.copyOf(numbers, 2 * size);
    }
    numbers[size++] = number;
  }

  void add(long first, long second, long third) {
    add(first);
    add(second);
    add(third);
  }

  long[] toArray() {
    return Arrays.copyOf(numbers, size);
  }
}
