package duality.vmm.machine;

/** Debugging a machine whose hart is the engine's. */
class DebugTest extends DebugContract {
  @Override
  protected String server() {
    return "vmm.machine";
  }
}
