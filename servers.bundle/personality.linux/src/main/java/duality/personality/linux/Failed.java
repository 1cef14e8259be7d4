package duality.personality.linux;

/** A system call that ends with an error number. */
class Failed extends Exception {
  private static final long serialVersionUID = 1;

  private final long errno;

  /** With one of {@link Errno}. */
  Failed(long errno) {
    super(null, null, false, false);
    this.errno = errno;
  }

  /** The error number, negative. */
  long errno() {
    return errno;
  }
}
