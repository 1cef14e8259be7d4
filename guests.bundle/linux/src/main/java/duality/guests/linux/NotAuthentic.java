package duality.guests.linux;

import java.io.IOException;
import java.io.Serial;

/** A file is not what its signature or hash says. */
final class NotAuthentic extends IOException {

  @Serial private static final long serialVersionUID = 1L;

  NotAuthentic(String message) {
    super(message);
  }
}
