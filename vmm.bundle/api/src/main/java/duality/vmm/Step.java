package duality.vmm;

/**
 * One instruction that a hart has executed.
 *
 * @param pc its address
 * @param word what it was; of a compressed one the low 16 bits count; 0 when it could not be read,
 *     or an interrupt came in its place
 * @param privilege in which the hart was: 0 U, 1 S, 3 M
 * @param changed pairs of a register, 0 to 31 for x and 32 to 63 for f, and its value behind the
 *     instruction
 * @param trap -1; or the cause (scause or mcause) when it ended in a trap, or an interrupt was
 *     taken behind it; a cause of an interrupt is negative, but never -1
 */
public record Step(long pc, int word, int privilege, long[] changed, long trap) {
  /** {@link #trap} when there was none. */
  public static final long NO_TRAP = -1;
}
