package duality.kernel;

/** Rights that a capability carries, as bits. A child never has more than its parent. */
public final class Rights {
  /** May read what the object holds: grant memory for reading, wait for bits. */
  public static final int READ = 1;

  /** May change what the object holds: grant memory for writing, signal bits. */
  public static final int WRITE = 2;

  /** May give pages to a space and take them away: a pager's right. */
  public static final int MAP = 4;

  /** May start, suspend, stop, configure. */
  public static final int CONTROL = 8;

  /** All of them. */
  public static final int ALL = READ | WRITE | MAP | CONTROL;

  private Rights() {}
}
