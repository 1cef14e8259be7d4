package duality.servers;

import duality.kernel.Protocol;
import duality.kernel.TrapHandler;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A native program and the system calls that it sees: endpoint {@code task/N}, its pager and its
 * console below it ({@code task/N/pager}, {@code task/N/console}). The program, and each process
 * that it makes, runs in a space of its own; their calls and page faults come to the personality by
 * IPC, as in L4Linux [HHL+97].
 *
 * <p>Configuration keys of the endpoint: {@code file} (host path of the program), {@code args} (see
 * {@link #list}), {@code environment} (the same, {@code NAME=VALUE} each), {@code memory} (bytes it
 * may use, default 268435456), {@code terminal} ({@code true}: a person is in front of the console;
 * with {@code rows} and {@code columns}), {@code input} (standard input otherwise, one character a
 * byte), {@code disk} (host path of a block device), {@code readonly}, {@code engine}. The program
 * is read and put into its space when the endpoint is made: what is wrong with it is the BadRequest
 * of that.
 *
 * <p>Output goes to {@code task/N/console}.
 *
 * <p><em>After a swap:</em> the program goes on; it sees nothing of it.
 */
@ConsumerType
@Protocol(rank = Protocol.MACHINE, deadlineMillis = 60_000)
public interface Personality extends TrapHandler {
  /** Lets the program run. No effect when it was started already. */
  void start();

  /**
   * Ends the program wherever it is, as signal 9 would: its status is 137. No effect when it has
   * ended already. Its memory is given back; the report stays until the endpoint is removed.
   */
  void stop();

  /** How it is. */
  TaskReport report();

  /**
   * Waits until the program has ended, or the time is up.
   *
   * @param timeoutMillis at most 1,000 count: who wants to wait longer asks again
   * @return how it is then
   */
  TaskReport await(long timeoutMillis);

  /**
   * Several texts as one configuration value: joined by the character 0, which none of them can
   * have.
   */
  static String list(List<String> texts) {
    for (String text : texts) {
      if (text.indexOf('\0') >= 0) {
        throw new IllegalArgumentException("a text with the character 0 in it: " + text);
      }
    }
    return String.join("\0", texts) + (texts.isEmpty() ? "" : "\0");
  }

  /** The texts of a configuration value made by {@link #list}. */
  static List<String> texts(String list) {
    if (list.isEmpty()) {
      return List.of();
    }
    String each = list.endsWith("\0") ? list.substring(0, list.length() - 1) : list;
    return List.of(each.split("\0", -1));
  }
}
