package duality.kernel.processor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The wires that lead into a hart: interrupt lines, and the kernel's wish for attention.
 *
 * <p>A word of bits. Bits 0 to 15 have the numbers of {@code mip} (RISC-V Priv. §3.1.9): SSIP 1,
 * MSIP 3, STIP 5, MTIP 7, SEIP 9, MEIP 11. Each is a level that its driver raises and lowers,
 * except {@link #SSIP}, which is an edge: the engine sets the software-writable bit in the hart's
 * mip and {@linkplain #lower lowers} the line. The bits from 60 on are no interrupts.
 *
 * <p><em>Concurrency:</em> any thread may raise and lower; the hart polls {@link #word} (opaque) at
 * backward branches or at least every few thousand instructions, and reads it with acquire order
 * before it waits.
 */
public final class Lines {
  /** Supervisor software interrupt, an edge. */
  public static final long SSIP = 1L << 1;

  /** Machine software interrupt. */
  public static final long MSIP = 1L << 3;

  /** Supervisor timer interrupt, when no stimecmp drives it. */
  public static final long STIP = 1L << 5;

  /** Machine timer interrupt. */
  public static final long MTIP = 1L << 7;

  /** Supervisor external interrupt. */
  public static final long SEIP = 1L << 9;

  /** Machine external interrupt. */
  public static final long MEIP = 1L << 11;

  /** The kernel wants the hart to leave the engine with {@link Exit#ATTENTION} soon. */
  public static final long ATTENTION = 1L << 62;

  /**
   * A remote {@code sfence.vma}, an edge: the engine forgets all translations before the next
   * instruction that it executes, and {@linkplain #lower lowers} the line before it does. Who
   * signals it to a thread comes back when the thread is outside of the engine, or was there since:
   * from then on it uses none of them.
   */
  public static final long FENCE = 1L << 60;

  /** The same for {@code fence.i}: what was decoded of code is compared with memory again. */
  public static final long FENCE_CODE = 1L << 61;

  private static final VarHandle WORD;

  static {
    try {
      WORD = MethodHandles.lookup().findVarHandle(Lines.class, "word", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("unused")
  private long word;

  /** The word as last seen, in opaque order: cheap enough for an engine's inner loop. */
  public long word() {
    return (long) WORD.getOpaque(this);
  }

  /** The word, in acquire order. */
  public long wordAcquire() {
    return (long) WORD.getAcquire(this);
  }

  /** Raises lines; answers the word as it was before. */
  public long raise(long bits) {
    return (long) WORD.getAndBitwiseOr(this, bits);
  }

  /** Lowers lines; answers the word as it was before. */
  public long lower(long bits) {
    return (long) WORD.getAndBitwiseAnd(this, ~bits);
  }
}
