package duality.guests.linux;

import java.io.IOException;
import java.io.Serial;

/** A file that was downloaded is not of the form that is expected. */
final class MalformedPackage extends IOException {

  @Serial private static final long serialVersionUID = 1L;

  MalformedPackage(String message) {
    super(message);
  }

  MalformedPackage(String message, Throwable cause) {
    super(message, cause);
  }
}
