package duality.guests.linux;

import java.io.IOException;
import java.io.Serial;

/** A file of the cache cannot be written: no space, no right, or no folder. */
final class StorageFailed extends IOException {

  @Serial private static final long serialVersionUID = 1L;

  StorageFailed(IOException cause) {
    super(cause.getMessage() == null ? cause.toString() : cause.getMessage(), cause);
  }

  StorageFailed(String message) {
    super(message);
  }
}
