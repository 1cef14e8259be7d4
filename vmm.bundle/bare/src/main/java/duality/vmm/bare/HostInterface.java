package duality.vmm.bare;

import duality.vmm.BareRunner.Outcome;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The host-target interface (HTIF) of Berkeley's simulators, as far as programs use it to report
 * and to print: a word {@code tohost} with a device in bits 56 to 63, a command in 48 to 55 and a
 * payload below.
 *
 * <p>Device 0, command 0: an odd payload ends the program with the code {@code payload >>> 1}; an
 * even one is the address of a request to the host's system, of which {@code write} and {@code
 * exit} are answered. Device 1, command 1: a character.
 */
final class HostInterface {
  private static final int SYSTEM = 0;
  private static final int CONSOLE = 1;
  private static final int PUT_CHARACTER = 1;
  private static final long PAYLOAD = (1L << 48) - 1;
  private static final int REQUEST_BYTES = 64;

  // Numbers of Linux on RISC-V.
  private static final int WRITE = 64;
  private static final int EXIT = 93;
  private static final long NO_SUCH_CALL = -38;
  private static final long MOST_WRITTEN = 1 << 16;

  private final BareMemory memory;
  private final OptionalLong fromHost;
  private final Output output;

  /** What the word was at the last look. */
  private long before;

  /** Requests that were answered. */
  private long answers;

  HostInterface(BareMemory memory, OptionalLong fromHost, Output output) {
    this.memory = memory;
    this.fromHost = fromHost;
    this.output = output;
  }

  /**
   * Looks whether the program has said something; answers how it ended, when it did.
   *
   * @param whole whether all of the word was written; else it is not heard while it may be the
   *     first one of two halves, which the second look at it will tell
   */
  @Nullable Outcome look(long toHost, boolean whole) {
    long word = memory.readLong(toHost);
    boolean half = !whole && word >>> 32 == 0 && word != before;
    before = word;
    if (word == 0 || half) {
      return null;
    }
    before = 0;
    Outcome outcome = said(word);
    if (outcome == null) {
      memory.writeLong(toHost, 0);
    }
    return outcome;
  }

  /** What a word in {@code tohost} comes to; null when the program goes on. */
  @Nullable Outcome said(long word) {
    int device = (int) (word >>> 56);
    int command = (int) (word >>> 48) & 0xff;
    long payload = word & PAYLOAD;
    if (device == SYSTEM && command == 0 && (payload & 1) != 0) {
      return ended(payload >>> 1);
    }
    if (word < 0 && word >> 48 == -1 && (word & 1) != 0) {
      return new Outcome.Failed(word >> 1); // a negative code, shifted by all of its 64 bits
    }
    if (device == SYSTEM && command == 0) {
      return request(payload);
    }
    if (device == CONSOLE && command == PUT_CHARACTER) {
      output.add((int) payload);
      answer(word & ~PAYLOAD);
    }
    return null;
  }

  /** How many requests were answered so far. */
  long answers() {
    return answers;
  }

  private static Outcome ended(long code) {
    return code == 0 ? new Outcome.Passed() : new Outcome.Failed(code);
  }

  private @Nullable Outcome request(long at) {
    if (at % 8 != 0 || !memory.contains(at, REQUEST_BYTES)) {
      return new Outcome.Silent(
          "it asked the host for something at 0x" + Long.toHexString(at) + ", not in memory");
    }
    long call = memory.readLong(at);
    long result = NO_SUCH_CALL;
    if (call == EXIT) {
      return ended(memory.readLong(at + 8));
    }
    if (call == WRITE) {
      long from = memory.readLong(at + 16);
      long count = Math.clamp(memory.readLong(at + 24), 0, MOST_WRITTEN);
      if (memory.contains(from, count)) {
        for (long i = 0; i < count; i++) {
          output.add(memory.readByte(from + i));
        }
        result = count;
      }
    }
    memory.writeLong(at, result);
    answer(1);
    return null;
  }

  private void answer(long word) {
    answers++;
    if (fromHost.isPresent() && memory.contains(fromHost.getAsLong(), 8)) {
      memory.writeLong(fromHost.getAsLong(), word);
    }
  }
}
