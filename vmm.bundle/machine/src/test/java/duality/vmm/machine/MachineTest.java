package duality.vmm.machine;

/** A machine whose hart is the engine's. */
class MachineTest extends MachineContract {
  @Override
  protected String server() {
    return "vmm.machine";
  }
}
