package duality.personality.linux;

/** A symbolic link. */
final class SymbolicLink extends Node {
  final String target;

  SymbolicLink(long number, String target, long now) {
    super(number, LINK | 0777, now);
    this.target = target;
  }

  @Override
  long size() {
    return target.length();
  }
}
