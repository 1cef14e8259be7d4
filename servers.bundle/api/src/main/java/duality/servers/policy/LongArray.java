package duality.servers.policy;

import java.util.Arrays;

/** Numbers in a row, without boxes. */
final class LongArray {
  private long[] numbers = new long[64];
  private int size;

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
