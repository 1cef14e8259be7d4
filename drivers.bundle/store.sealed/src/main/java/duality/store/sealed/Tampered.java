package duality.store.sealed;

import java.io.IOException;

/** What the store below has given is not what it was given. */
final class Tampered extends IOException {
  private static final long serialVersionUID = 1;

  Tampered(String message) {
    super(message);
  }
}
