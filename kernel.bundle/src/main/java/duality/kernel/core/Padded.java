package duality.kernel.core;

/**
 * Room for two cache lines in each object, so that what two threads write in objects that lie next
 * to each other is never in one line, nor in two that the processor fetches together.
 *
 * <p>The JVM's own annotation for this needs an option at its start.
 */
@SuppressWarnings("unused") // room
abstract class Padded {
  // Without it the JVM would put a field of the subclass into the gap behind the header.
  private int gap;
  private long p0;
  private long p1;
  private long p2;
  private long p3;
  private long p4;
  private long p5;
  private long p6;
  private long p7;
  private long p8;
  private long p9;
  private long p10;
  private long p11;
  private long p12;
  private long p13;
  private long p14;
  private long p15;
}
