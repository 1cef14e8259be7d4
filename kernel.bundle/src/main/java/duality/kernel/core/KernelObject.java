package duality.kernel.core;

/** An object of the core that capabilities lead to directly, not through a gate. */
interface KernelObject {
  /** The interface of its kind. */
  Class<?> kind();
}
