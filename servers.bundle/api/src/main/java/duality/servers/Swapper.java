package duality.servers;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Replaces the server behind an endpoint while it is in use: open the new one beside the old, hold,
 * drain, save, restore, rebind, release. Endpoint {@code swapper}, shared.
 */
@ConsumerType
@Protocol(rank = Protocol.CONTROL, deadlineMillis = 30_000, stallMillis = 3_000)
public interface Swapper {
  /**
   * Moves endpoints to a server, all in one transaction.
   *
   * @param endpoint a path, or a pattern with {@code *} for one path segment ({@code
   *     vm/&#42;/blk0})
   * @param server name of a registered server
   * @return what happened; a swap that failed left the old servers serving
   * @throws duality.kernel.CallFailed.BadRequest when nothing matches, or there is no such server
   */
  Swap swap(String endpoint, String server);

  /**
   * Closes the gates of endpoints, waits until nobody is inside, and opens them again: what a swap
   * costs its callers without the swap. Not in the history.
   *
   * @param endpoint a path or a pattern, as in {@link #swap}
   * @return the pause and the drain; number 0, from and to are the servers that serve
   */
  Swap rehearse(String endpoint);

  /**
   * Moves several endpoints to several servers in one transaction: all of them or none. The
   * endpoint {@code engine} stands for the harts of all threads; it cannot be mixed with others.
   *
   * @param moves at least one; each endpoint a path or pattern, each server {@code name} (the
   *     highest version of it) or {@code name#BUNDLE} (the one of that bundle)
   */
  Swap swapAll(List<Move> moves);

  /**
   * Installs a new version of a server bundle beside the old one, moves all endpoints of the old
   * one in one transaction, and uninstalls the old one. When anything fails the new one is
   * uninstalled and the old one serves on.
   *
   * @param bundle symbolic name or number of an installed bundle
   * @param file path of a file on the host, absolute
   * @throws duality.kernel.CallFailed.BadRequest when there is no such bundle or file, or it is a
   *     bundle that cannot be replaced so; the message says why
   */
  Swap update(String bundle, String file);

  /**
   * Puts the version of a bundle back that the last {@link #update} replaced: from a copy that was
   * kept of it. Once.
   *
   * @param bundle symbolic name
   * @param withinMillis how long ago that update may be at most
   * @return what happened; the version before may refuse the state of the later one
   * @throws duality.kernel.CallFailed.BadRequest when it was not updated, or longer ago
   */
  Swap putBack(String bundle, long withinMillis);

  /** What {@link #swapAll} would do, without doing it. */
  List<Step> plan(List<Move> moves);

  /** What {@link #update} would do, without doing it. */
  List<Step> planUpdate(String bundle, String file);

  /**
   * An endpoint and the server that shall serve it.
   *
   * @param anew whether it begins without the state of the one before, which is lost: the way out
   *     when nobody takes that state
   */
  record Move(String endpoint, String server, boolean anew) {
    /** With the state of the one before. */
    public Move(String endpoint, String server) {
      this(endpoint, server, false);
    }
  }

  /**
   * A step of a plan.
   *
   * @param step {@code moves}, {@code waits} (its calls may have to), {@code refused}, {@code
   *     installs}, {@code uninstalls}, {@code keeps} (an old version, for its clients) or {@code
   *     touches} (a bundle that is left as it is)
   * @param what an endpoint or a bundle
   * @param from server or version now; may be empty
   * @param to server or version then; may be empty
   * @param remark what to know about it
   */
  record Step(String step, String what, String from, String to, String remark) {}

  /** The last swaps (at most 200), oldest first. */
  @Idempotent
  List<Swap> history();

  /**
   * One swap.
   *
   * @param number counts from 1
   * @param endpoint the path or pattern
   * @param from server before
   * @param to server asked for
   * @param endpoints how many endpoints were moved together
   * @param drained calls that were inside when the gates closed
   * @param pauseMicros from closing the gates to opening them
   * @param drainMicros of that, waiting for calls inside to end
   * @param waitedMicros while it was done, the time in which its thread could run and the host ran
   *     others; 0 where the host does not say
   * @param outcome {@code done}, or {@code kept: …} with the reason why the old server serves on
   */
  record Swap(
      long number,
      String endpoint,
      String from,
      String to,
      int endpoints,
      long drained,
      long pauseMicros,
      long drainMicros,
      long waitedMicros,
      String outcome) {
    /** Whether the new server serves. */
    public boolean done() {
      return outcome.equals("done");
    }
  }
}
