/**
 * The monitor that leaves the hart to the engine: one full hart on the {@linkplain
 * duality.vmm.board board} that it shares with other monitors. {@link
 * duality.vmm.machine.MachineServer} opens a machine for each endpoint {@code vm/NAME}.
 */
@NullMarked
package duality.vmm.machine;

import org.jspecify.annotations.NullMarked;
