package duality.personality.linux;

/**
 * What a file descriptor leads to: an "open file description". Descriptors of several processes can
 * lead to the same one, and then share its position.
 *
 * <p>{@link #read} and {@link #write} answer {@link SystemCalls#BLOCKED} when the caller has to
 * wait for {@link #waitsFor}.
 */
abstract class OpenFile {
  static final int ACCESS = 3;
  static final int READ_ONLY = 0;
  static final int WRITE_ONLY = 1;
  static final int APPEND = 02000;
  static final int NONBLOCK = 04000;

  static final int POLL_IN = 1;
  static final int POLL_OUT = 4;
  static final int POLL_ERROR = 8;
  static final int POLL_HANG_UP = 0x10;

  /** Flags of open. */
  int flags;

  /** How many descriptors lead here. */
  private int descriptors;

  OpenFile(int flags) {
    this.flags = flags;
  }

  /** What stat says of it. */
  abstract Node node();

  /** Reads at the position; answers how many bytes, 0 at the end. */
  abstract long read(Process caller, byte[] into, int length) throws Failed;

  /** The last so many bytes that were read did not reach the caller: they are to be read again. */
  void unread(byte[] bytes, int count) {}

  /** Writes at the position; answers how many bytes were taken. */
  abstract long write(Process caller, byte[] bytes, int length) throws Failed;

  /** What poll says: bits of POLL_, for the directions in which it is open. */
  int ready() {
    return (mayRead() ? POLL_IN : 0) | (mayWrite() ? POLL_OUT : 0);
  }

  /** What a caller that was told to wait waits for. */
  Object waitsFor() {
    return this;
  }

  /** No descriptor leads here any more. */
  void closed() {}

  final boolean mayRead() {
    return (flags & ACCESS) != WRITE_ONLY;
  }

  final boolean mayWrite() {
    return (flags & ACCESS) != READ_ONLY;
  }

  final boolean nonblocking() {
    return (flags & NONBLOCK) != 0;
  }

  final void retain() {
    descriptors++;
  }

  final void release() {
    if (--descriptors == 0) {
      closed();
    }
  }
}
