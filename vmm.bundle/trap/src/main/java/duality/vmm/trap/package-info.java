/**
 * The monitor that runs a guest's kernel in user mode: trap and emulate [Gol74, PG74], as L4Linux
 * and Xen have their guests trap, but with a kernel that knows nothing of it.
 *
 * <p>{@link duality.vmm.trap.TrapServer} opens a machine on the {@linkplain duality.vmm.board
 * board} that it shares with other monitors. Its hart is a {@code TrapHart}: a thread in user mode,
 * of which every privileged instruction, call, fault and interrupt comes here as an IPC; {@code
 * Privileged} has the registers that user mode does not have, {@code Shadows} the core spaces that
 * stand for the guest's page tables.
 */
@NullMarked
package duality.vmm.trap;

import org.jspecify.annotations.NullMarked;
