package duality.vmm.trap;

import duality.vmm.machine.DebugContract;
import duality.vmm.machine.Rig;

/** Debugging a machine whose guest's kernel runs in user mode. */
class TrapDebugTest extends DebugContract {
  @Override
  protected String server() {
    return "vmm.trap";
  }

  @Override
  protected Rig rig(int processors, long poolBytes) {
    return Rig.with(server(), new TrapServer(), processors, poolBytes);
  }
}
