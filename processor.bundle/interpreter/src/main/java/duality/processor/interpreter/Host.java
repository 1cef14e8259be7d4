package duality.processor.interpreter;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Host memory by address.
 *
 * <p>The engine is trusted as hardware is: the addresses are those that {@link
 * duality.kernel.processor.Memory#translate} answered, plus an offset inside the page. One segment
 * over everything, constant, costs no more than an array access.
 */
final class Host {
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle().withInvokeExactBehavior();

  /** Any alignment; one access, not torn, when the address is aligned. */
  static final VarHandle SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED
          .withOrder(ByteOrder.LITTLE_ENDIAN)
          .varHandle()
          .withInvokeExactBehavior();

  /** As {@link #SHORT}. */
  static final VarHandle INT =
      ValueLayout.JAVA_INT_UNALIGNED
          .withOrder(ByteOrder.LITTLE_ENDIAN)
          .varHandle()
          .withInvokeExactBehavior();

  /** As {@link #SHORT}. */
  static final VarHandle LONG =
      ValueLayout.JAVA_LONG_UNALIGNED
          .withOrder(ByteOrder.LITTLE_ENDIAN)
          .varHandle()
          .withInvokeExactBehavior();

  /** Aligned addresses only; all access modes. */
  static final VarHandle ATOMIC_INT =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();

  /** Aligned addresses only; all access modes. */
  static final VarHandle ATOMIC_LONG =
      ValueLayout.JAVA_LONG
          .withOrder(ByteOrder.LITTLE_ENDIAN)
          .varHandle()
          .withInvokeExactBehavior();

  private Host() {}

  /** Loads 1, 2, 4 or 8 bytes, zero-extended. */
  static long load(long address, int width) {
    return switch (width) {
      case 1 -> (byte) BYTE.get(ALL, address) & 0xffL;
      case 2 -> (short) SHORT.get(ALL, address) & 0xffffL;
      case 4 -> (int) INT.get(ALL, address) & 0xffffffffL;
      default -> (long) LONG.get(ALL, address);
    };
  }

  /** Stores the low 1, 2, 4 or 8 bytes of {@code value}. */
  static void store(long address, int width, long value) {
    switch (width) {
      case 1 -> BYTE.set(ALL, address, (byte) value);
      case 2 -> SHORT.set(ALL, address, (short) value);
      case 4 -> INT.set(ALL, address, (int) value);
      default -> LONG.set(ALL, address, value);
    }
  }
}
