package duality.personality.linux;

/** The terminal, open; or one of the two pipes that stand for it when nobody is in front of it. */
final class TerminalFile extends OpenFile {
  private final Terminal terminal;
  private final Node node;

  TerminalFile(Terminal terminal, Node node, int flags) {
    super(flags);
    this.terminal = terminal;
    this.node = node;
  }

  Terminal terminal() {
    return terminal;
  }

  @Override
  Node node() {
    return node;
  }

  @Override
  long read(Process caller, byte[] into, int length) {
    return terminal.read(caller, into, length);
  }

  @Override
  long write(Process caller, byte[] bytes, int length) {
    terminal.write(bytes, length);
    return length;
  }

  @Override
  int ready() {
    boolean something = !terminal.interactive() || terminal.readable();
    return super.ready() & (something ? -1 : ~POLL_IN);
  }

  @Override
  Object waitsFor() {
    return terminal;
  }
}
