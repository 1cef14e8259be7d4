package duality.drivers;

import duality.kernel.CallFailed;
import duality.kernel.Context;

/**
 * Reads numbers and truth values from an endpoint's configuration, with errors that say what is
 * wrong.
 */
public final class Settings {
  private Settings() {}

  /**
   * A whole number.
   *
   * @param otherwise the value when the key is not there; a value outside of the bounds makes the
   *     key obligatory
   * @throws CallFailed.BadRequest when it is missing, no number, or out of bounds
   */
  public static int number(Context context, String key, int least, int most, int otherwise) {
    return (int) number(context, key, (long) least, most, otherwise);
  }

  /** The same for larger ones. */
  public static long number(Context context, String key, long least, long most, long otherwise) {
    String text = context.config().get(key);
    if (text == null) {
      if (otherwise < least || otherwise > most) {
        throw wrong(context, key, "is missing", least, most);
      }
      return otherwise;
    }
    try {
      long n = Long.parseLong(text.strip());
      if (n >= least && n <= most) {
        return n;
      }
    } catch (NumberFormatException notANumber) {
      // Told below, like a number out of bounds.
    }
    throw wrong(context, key, "is '" + text + "'", least, most);
  }

  /**
   * A truth value, {@code true} or {@code false}.
   *
   * @throws CallFailed.BadRequest when it is something else
   */
  public static boolean flag(Context context, String key, boolean otherwise) {
    String text = context.config(key, Boolean.toString(otherwise)).strip();
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    throw new CallFailed.BadRequest(
        context.path() + ": '" + key + "' is '" + text + "'; true or false is needed");
  }

  private static CallFailed.BadRequest wrong(
      Context context, String key, String how, long least, long most) {
    return new CallFailed.BadRequest(
        context.path()
            + ": '"
            + key
            + "' "
            + how
            + "; a number from "
            + least
            + " to "
            + most
            + " is needed");
  }
}
