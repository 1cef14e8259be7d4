package duality.personality.rc4000;

import duality.drivers.Console;
import duality.kernel.State;
import duality.personality.rc4000.MainStorage.BadAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntFunction;

/**
 * The external process {@code console}. A message has three words: 1 to write or 2 to read, an
 * address in the sender's storage, and how many bytes, at most 4,096. A read is answered when
 * something was typed, with what there is; the answer's first word is how many bytes came or went.
 * Readers are served in the order in which they asked.
 */
final class Typewriter implements Nucleus.External {
  static final String NAME = "console";

  private static final long WRITE = 1;
  private static final long READ = 2;
  private static final int MOST_BYTES = 4096;

  private final Console console;
  private final MainStorage storage;
  private final IntFunction<MessageBuffer> buffers;
  private final Clock.Answers answers;

  /** Buffers of those that read, by number. */
  private final Deque<Integer> readers = new ArrayDeque<>();

  /**
   * A typewriter.
   *
   * @param buffers the pool by number
   */
  Typewriter(
      Console console,
      MainStorage storage,
      IntFunction<MessageBuffer> buffers,
      Clock.Answers answers) {
    this.console = console;
    this.storage = storage;
    this.buffers = buffers;
    this.answers = answers;
  }

  @Override
  public void receive(MessageBuffer message, InternalProcess sender) {
    long operation = message.words[0];
    long address = message.words[1];
    long count = message.words[2];
    if (count < 0 || count > MOST_BYTES || !MainStorage.has(sender, address, count)) {
      reject(message);
    } else if (operation == WRITE) {
      write(message, sender, address, (int) count);
    } else if (operation == READ && count > 0) {
      readers.add(message.number);
      typed();
    } else {
      reject(message);
    }
  }

  private void write(MessageBuffer message, InternalProcess sender, long address, int count) {
    try {
      byte[] text = storage.read(sender, address, count);
      console.written(new String(text, StandardCharsets.ISO_8859_1));
      done(message, count);
    } catch (BadAddress e) {
      reject(message);
    }
  }

  /** Something may have been typed: whoever waits for it gets it. */
  void typed() {
    while (!readers.isEmpty()) {
      MessageBuffer message = buffers.apply(readers.getFirst());
      InternalProcess sender = message.sender;
      if (sender == null) {
        readers.removeFirst();
        reject(message);
        continue;
      }
      String text = console.input((int) message.words[2]);
      if (text.isEmpty()) {
        return;
      }
      readers.removeFirst();
      try {
        storage.write(sender, message.words[1], text.getBytes(StandardCharsets.ISO_8859_1));
        done(message, text.length());
      } catch (BadAddress e) {
        reject(message);
      }
    }
  }

  @Override
  public void withdrawn(MessageBuffer message) {
    readers.remove(message.number);
  }

  private void done(MessageBuffer message, long count) {
    long[] answer = new long[Nucleus.WORDS];
    answer[0] = count;
    answers.answer(message, Machinery.DONE, answer);
  }

  private void reject(MessageBuffer message) {
    answers.answer(message, Machinery.REJECTED, new long[Nucleus.WORDS]);
  }

  State save() {
    return State.of("typewriter", 1)
        .with("readers", readers.stream().mapToLong(Integer::longValue).toArray());
  }

  void restore(State saved) {
    saved.expect("typewriter", 1);
    for (long each : saved.numbers("readers")) {
      MessageBuffer buffer =
          each >= 1 && each <= Integer.MAX_VALUE ? buffers.apply((int) each) : null;
      if (buffer == null
          || buffer.stage != MessageBuffer.Stage.RECEIVED
          || buffer.receiver != null
          || buffer.words[2] < 1
          || buffer.words[2] > MOST_BYTES
          || readers.contains((int) each)) {
        throw new State.Refused("typewriter.readers: buffer " + each + " does not read");
      }
      readers.add((int) each);
    }
  }
}
