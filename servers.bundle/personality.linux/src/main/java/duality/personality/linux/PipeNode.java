package duality.personality.linux;

/** What stat says of an end of a pipe, or of the console when it is no terminal. */
final class PipeNode extends Node {
  PipeNode(long number, long now) {
    super(number, FIFO | 0600, now);
  }

  @Override
  long size() {
    return 0;
  }
}
