package duality.vmm;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Runs commands inside a guest: endpoint {@code vm/NAME/agent}, over the guest's console port named
 * {@code agent}. The guest's own program is at the other end.
 *
 * <p>A command is a job: {@link #start} it, read its {@link #output} until {@link #job} says that
 * it has ended and all of it is read, then {@link #forget} it. Several may run at once. No call
 * waits longer than a second, so callers loop.
 *
 * <table>
 *   <caption>Errors</caption>
 *   <tr><td>{@link duality.kernel.CallFailed.BadRequest}</td><td>no agent has said hello yet, the job is
 *       unknown, or an argument is out of range; the message says which</td></tr>
 * </table>
 *
 * <p><em>Concurrency:</em> any thread. <em>After a swap:</em> jobs, their numbers and the output
 * that was not read go on.
 */
@ConsumerType
@Protocol(rank = Protocol.DEVICE)
public interface GuestAgent {
  /** Most bytes of output that one job keeps for its reader; one that has more unread is killed. */
  int KEPT_BYTES = 1 << 24;

  /** Whether the guest's program has said hello since the guest started. */
  @Idempotent
  boolean ready();

  /**
   * Starts a command in the guest's shell ({@code sh -c}), with nothing as its input.
   *
   * @param command the command, 1 to 65,536 bytes of UTF-8 without a zero
   * @param timeoutMillis after this it is killed, with all processes of its group; 0 for never
   * @return the job's number, at least 1
   */
  long start(String command, long timeoutMillis);

  /**
   * Starts a command as {@link #start} does, with bytes for its standard input, which ends behind
   * them.
   *
   * @param command the command, 1 byte or more of UTF-8 without a zero; with its input at most
   *     65,532
   * @param input one character of ISO 8859-1 a byte
   * @param timeoutMillis as for {@link #start}
   * @return the job's number, at least 1
   */
  long feed(String command, String input, long timeoutMillis);

  /**
   * Output of a job, standard output and error as they came, one character of ISO 8859-1 a byte.
   *
   * <p>Reading at a position says that all before it is not needed any more.
   *
   * @param position bytes to skip from the job's start; not before what was given up already
   * @param most most bytes to answer, at least 1
   * @param waitMillis how long to wait for a first byte or the job's end, at most 1,000
   * @return what is there; empty when nothing came in time or the job has ended
   */
  @Idempotent
  String output(long job, long position, int most, long waitMillis);

  /** What a job is doing. */
  @Idempotent
  Job job(long job);

  /** Kills a job, with all processes of its group. No effect when it has ended. */
  void kill(long job);

  /** Forgets a job and its output; kills it when it runs. No effect when it is unknown. */
  void forget(long job);

  /** Monitor's side: the guest is no more or starts again; jobs that ran are lost. */
  void reset();

  /**
   * A command in the guest.
   *
   * @param number the job's number
   * @param command what was started
   * @param state {@code running}, {@code exited}, {@code killed} (it was killed, or took too long),
   *     or {@code lost} (the guest was reset, or could not start it)
   * @param status exit status when it exited, 128 + signal when it was killed by one, otherwise -1
   * @param why why it was killed or lost, in a few words; empty when there is nothing to say
   * @param outputBytes bytes of output so far
   */
  record Job(long number, String command, String state, int status, String why, long outputBytes) {
    /** Whether it has ended; {@link #outputBytes} does not grow any more. */
    public boolean ended() {
      return !state.equals("running");
    }
  }
}
