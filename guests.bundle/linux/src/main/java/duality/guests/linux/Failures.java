package duality.guests.linux;

import duality.guests.GuestUnavailable;
import duality.guests.GuestUnavailable.Reason;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import javax.net.ssl.SSLException;

/** Turns what went wrong into what a person is told. */
final class Failures {

  private static final String OTHER_MIRROR =
      "Try again later or name another mirror of Debian: guest:fetch linux --mirror URL";

  private Failures() {}

  /**
   * Explains a failure.
   *
   * @param what what was not possible
   * @param where the mirror that was asked
   */
  static GuestUnavailable explain(String what, String where, Exception e) {
    if (e instanceof InterruptedException || Thread.currentThread().isInterrupted()) {
      Thread.currentThread().interrupt();
      return new GuestUnavailable(
          Reason.CANCELLED, what, "it was interrupted", "The next try goes on where it ended", e);
    }
    return switch (e) {
      case NotAuthentic failure ->
          new GuestUnavailable(
              Reason.NOT_AUTHENTIC,
              what,
              failure.getMessage() + " (from " + where + ")",
              "The mirror may be in the middle of an update, or something on the way changes files."
                  + " "
                  + OTHER_MIRROR,
              e);
      case MalformedPackage failure ->
          new GuestUnavailable(
              Reason.MALFORMED,
              what,
              failure.getMessage() + " (from " + where + ")",
              OTHER_MIRROR,
              e);
      case FileNotFoundException failure ->
          new GuestUnavailable(
              Reason.NOT_FOUND,
              what,
              failure.getMessage() + " (at " + where + ")",
              "The archive may have moved on, or this is no mirror of Debian. " + OTHER_MIRROR,
              e);
      case StorageFailed failure -> storage(what, failure);
      case IOException failure ->
          new GuestUnavailable(
              Reason.NETWORK,
              what,
              network(failure) + " (" + where + ")",
              "Check the network and the proxy, then run guest:fetch linux again, which goes on"
                  + " where it ended; or name another mirror with --mirror URL; or boot nano, which"
                  + " needs no download",
              e);
      case RuntimeException failure ->
          new GuestUnavailable(
              Reason.SETTINGS,
              what,
              String.valueOf(failure.getMessage()),
              "Correct the address or the setting",
              e);
      default -> new GuestUnavailable(Reason.NETWORK, what, e.toString(), OTHER_MIRROR, e);
    };
  }

  /** Explains that the cache cannot be used. */
  static GuestUnavailable storage(String what, IOException e) {
    return new GuestUnavailable(
        Reason.STORAGE,
        what,
        "the cache cannot be written: " + e.getMessage(),
        "Make room or set XDG_CACHE_HOME to a folder on another disk",
        e);
  }

  private static String network(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case UnresolvedAddressException u -> {
          return "the mirror's name is not known here; is there a network";
        }
        case UnknownHostException u -> {
          return "the mirror's name is not known here; is there a network";
        }
        case SSLException s -> {
          return "no secure connection: " + s.getMessage();
        }
        case HttpTimeoutException h -> {
          return "the mirror does not answer";
        }
        default -> {}
      }
    }
    if (e instanceof ConnectException) {
      return "no connection to the mirror" + (e.getMessage() == null ? "" : ": " + e.getMessage());
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
