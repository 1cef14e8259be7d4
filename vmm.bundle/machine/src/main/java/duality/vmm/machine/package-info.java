/**
 * A machine monitor: one full hart in a space, the devices of QEMU's RISC-V {@code virt} board as
 * endpoints below the machine's own, and the SBI in the place of firmware.
 *
 * <p>{@link duality.vmm.machine.MachineServer} opens a {@link duality.vmm.machine.Machine} for each
 * endpoint {@code vm/NAME}. The machine loads the guest ({@link duality.vmm.machine.KernelFile},
 * {@link duality.vmm.machine.Layout}, {@link duality.vmm.machine.BoardTree}), passes loads and
 * stores to devices ({@link duality.vmm.machine.Bus}), and answers the guest's calls ({@link
 * duality.vmm.machine.Sbi}).
 */
@NullMarked
package duality.vmm.machine;

import org.jspecify.annotations.NullMarked;
