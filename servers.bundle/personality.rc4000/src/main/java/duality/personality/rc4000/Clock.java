package duality.personality.rc4000;

import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * The external process {@code clock}: answers a message after as many nanoseconds as its first word
 * says, with the time since the start in the first word of the answer.
 */
final class Clock implements Nucleus.External {
  static final String NAME = "clock";

  private final LongSupplier time;
  private final Map<Integer, Long> due = new TreeMap<>();
  private final java.util.function.IntFunction<MessageBuffer> buffers;
  private final Answers answers;

  /** How it answers. */
  interface Answers {
    void answer(MessageBuffer message, long result, long[] words);
  }

  /**
   * A clock.
   *
   * @param time nanoseconds since the start
   * @param buffers the pool by number
   */
  Clock(LongSupplier time, java.util.function.IntFunction<MessageBuffer> buffers, Answers answers) {
    this.time = time;
    this.buffers = buffers;
    this.answers = answers;
  }

  @Override
  public void receive(MessageBuffer message, InternalProcess sender) {
    long now = time.getAsLong();
    long delay = Math.clamp(message.words[0], 0, Long.MAX_VALUE / 2);
    due.put(message.number, now + delay);
    tick();
  }

  @Override
  public void withdrawn(MessageBuffer message) {
    due.remove(message.number);
  }

  /** Answers all whose time has come. */
  void tick() {
    if (due.isEmpty()) {
      return;
    }
    long now = time.getAsLong();
    List<Integer> over =
        due.entrySet().stream().filter(e -> e.getValue() <= now).map(Map.Entry::getKey).toList();
    for (int number : over) {
      due.remove(number);
      long[] words = new long[Nucleus.WORDS];
      words[0] = now;
      answers.answer(buffers.apply(number), 1, words);
    }
  }

  /** When a message will be answered; -1 when it is not this clock's. */
  long due(int number) {
    return due.getOrDefault(number, -1L);
  }

  State save() {
    List<Long> numbers = new ArrayList<>();
    due.forEach(
        (number, at) -> {
          numbers.add((long) number);
          numbers.add(at);
        });
    return State.of("clock", 1).with("due", numbers.stream().mapToLong(Long::longValue).toArray());
  }

  void restore(State saved) {
    saved.expect("clock", 1);
    long[] numbers = saved.numbers("due");
    for (int i = 0; i + 1 < numbers.length; i += 2) {
      MessageBuffer buffer =
          numbers[i] >= 1 && numbers[i] <= Integer.MAX_VALUE
              ? buffers.apply((int) numbers[i])
              : null;
      if (buffer == null
          || buffer.stage != MessageBuffer.Stage.RECEIVED
          || buffer.receiver != null
          || numbers[i + 1] < 0) {
        throw new State.Refused("clock.due: buffer " + numbers[i] + " does not wait for the clock");
      }
      due.put((int) numbers[i], numbers[i + 1]);
    }
  }
}
