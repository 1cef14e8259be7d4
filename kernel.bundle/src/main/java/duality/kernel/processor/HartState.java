package duality.kernel.processor;

import java.util.Map;

/**
 * A hart as plain data: what {@link Hart#save} gives and {@link Hart#restore} takes.
 *
 * @param mode where its translations come from
 * @param firmware full mode only: false when there is no software in M-mode, so that ecalls from
 *     S-mode leave the engine and every exception is delegated to S-mode
 * @param pc program counter
 * @param privilege 0 U, 1 S, 3 M
 * @param waiting whether it is behind a {@code wfi} that has not ended
 * @param x registers x0 to x31
 * @param f registers f0 to f31, NaN-boxed
 * @param csrs control and status registers by name of the specification ({@code mstatus}, {@code
 *     satp}, {@code stimecmp}, {@code fcsr}, {@code minstret}, …); a name that is not there is
 *     zero. Those of RISC-V Debug 1.0 are a debugger's, in harts of both modes: {@code dcsr} (step,
 *     stepie), and triggers {@code tdata1.N} and {@code tdata2.N} for N from 0 without a gap
 *     (mcontrol6); see {@link Exit#STEPPED}
 * @param timeOffsetNanos host clock value at which the {@code time} counter was zero
 */
public record HartState(
    HartMode mode,
    boolean firmware,
    long pc,
    int privilege,
    boolean waiting,
    long[] x,
    long[] f,
    Map<String, Long> csrs,
    long timeOffsetNanos) {
  /** Checks shapes and copies what could change. */
  public HartState {
    if (x.length != 32 || f.length != 32) {
      throw new IllegalArgumentException(
          "a hart has 32 x and 32 f registers, not " + x.length + " and " + f.length);
    }
    if (privilege != 0 && privilege != 1 && privilege != 3) {
      throw new IllegalArgumentException(
          "privilege " + privilege + " is none of 0 (U), 1 (S), 3 (M)");
    }
    if (mode == HartMode.USER && privilege != 0) {
      throw new IllegalArgumentException("a hart in user mode has privilege 0, not " + privilege);
    }
    x = x.clone();
    f = f.clone();
    csrs = Map.copyOf(csrs);
  }
}
