package duality.kernel.processor;

/** Where a hart's translations come from and who gets its traps. */
public enum HartMode {
  /**
   * Bare user mode: addresses are pages of the core space, privilege is U and cannot change; each
   * ecall, fault, illegal or privileged instruction leaves the engine, and so does an interrupt
   * that the hart's {@code sie} has a bit for.
   */
  USER,
  /**
   * A full hart with M, S and U mode: addresses go through the guest's own page tables over the
   * core space taken as guest-physical memory; traps are delivered to the guest.
   */
  FULL
}
