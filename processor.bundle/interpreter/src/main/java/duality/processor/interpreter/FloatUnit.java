package duality.processor.interpreter;

/** The F and D extensions. */
final class FloatUnit {
  private final Context c;

  FloatUnit(Context c, Mmu mmu) {
    this.c = c;
  }

  void execute(long record) {
    c.trap(2, 0);
  }
}
