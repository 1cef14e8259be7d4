package duality.servers;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Mends what fails: restarts servers from their last state, replaces them by spares, gives up with
 * a clear reason; and keeps the record. Endpoint {@code supervisor}, shared.
 *
 * <p><em>After a swap:</em> rules set by command, the record and the state of each endpoint's crash
 * loop come along.
 */
@ConsumerType
@Protocol(rank = Protocol.CONTROL, deadlineMillis = 10_000, stallMillis = 3_000)
public interface Supervisor {
  /** The last failures and what was done about them (at most 256), oldest first. */
  @Idempotent
  List<Incident> log();

  /** The rules in the order in which they are looked at: set by command, then those of the file. */
  @Idempotent
  List<Rule> rules();

  /**
   * Sets a rule that goes before those of the file, or replaces one set before.
   *
   * @param pattern a path in which {@code *} stands for a part of one segment; {@code **} alone for
   *     every path
   * @param policy such as {@code restart*3, spare, giveup}; empty takes the rule back
   * @throws duality.kernel.CallFailed.BadRequest when the policy makes no sense; the message says
   *     what would
   */
  void rule(String pattern, String policy);

  /**
   * Kills the instance behind an endpoint: from now on it counts as failed, and what its rule says
   * is done, as if it had crashed. Answers before that is done; {@link #log} has it.
   *
   * @param endpoint a path
   * @throws duality.kernel.CallFailed.BadRequest when nobody serves there, or it has failed already
   */
  void kill(String endpoint);

  /**
   * The same, but nothing is done about it for a while: to see who stalls meanwhile. Callers wait
   * at the gate as long as their deadline allows.
   *
   * @param endpoints paths, all of which die at once: what one bundle serves
   * @param deadMillis how long nobody mends them, 0 to 60,000, from before this call returns
   * @throws duality.kernel.CallFailed.BadRequest when nobody serves at one of them, or it has
   *     failed already; then none is killed
   */
  void kill(List<String> endpoints, long deadMillis);

  /** Every endpoint with its rule and what it went through. */
  @Idempotent
  List<Watched> watched();

  /**
   * One failure.
   *
   * @param number the kernel's number of it
   * @param time when, ISO 8601
   * @param endpoint where
   * @param server which server had failed
   * @param bundle its bundle and version
   * @param kind how it was noticed, such as {@code EXCEPTION}
   * @param reason what was wrong
   * @param inside calls that were inside
   * @param outcome what was done; empty while it is being done
   * @param micros from the detection to the service being there again; -1 when it is not
   * @param stack the top frames, innermost first
   */
  record Incident(
      long number,
      String time,
      String endpoint,
      String server,
      String bundle,
      String kind,
      String reason,
      int inside,
      String outcome,
      long micros,
      List<String> stack) {}

  /**
   * A line of policy.
   *
   * @param pattern which endpoints
   * @param policy what is done
   * @param from {@code command} or {@code file}
   */
  record Rule(String pattern, String policy, String from) {}

  /**
   * An endpoint as the supervisor sees it.
   *
   * @param endpoint its path
   * @param server who serves it
   * @param condition {@code open}, {@code failed: …} and so on
   * @param failures since the system started, as far as this supervisor knows
   * @param next what is done at the next failure
   * @param checkpoint age of its last checkpoint in milliseconds, -1 when there is none
   * @param pauseMicros how long callers waited at most for a checkpoint of it
   * @param policy its rule
   */
  record Watched(
      String endpoint,
      String server,
      String condition,
      long failures,
      String next,
      long checkpoint,
      long pauseMicros,
      String policy) {}
}
