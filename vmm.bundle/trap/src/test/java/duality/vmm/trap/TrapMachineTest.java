package duality.vmm.trap;

import duality.vmm.machine.MachineContract;
import duality.vmm.machine.Rig;

/** A machine whose guest's kernel runs in user mode does what every machine does. */
class TrapMachineTest extends MachineContract {
  @Override
  protected String server() {
    return "vmm.trap";
  }

  @Override
  protected Rig rig(int processors, long poolBytes) {
    return Rig.with(server(), new TrapServer(), processors, poolBytes);
  }
}
