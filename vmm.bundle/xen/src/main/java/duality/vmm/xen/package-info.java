/**
 * A monitor for kernels that are written for it: the paravirtual interface of Xen as published in
 * 2003 [BDF+03], on RISC-V.
 *
 * <p>{@link duality.vmm.xen.XenServer} opens a machine whose hart is a thread in user mode with two
 * rings, the guest's kernel in the inner one. The kernel asks by hypercalls ({@code Hypercalls});
 * it reads its page tables and cannot write them: each change is checked ({@code PageTables}, by
 * the types of pages in {@code Pages}) and then made in the core spaces in which the guest runs
 * ({@code Root}). {@link duality.vmm.xen.BlockServer} and {@link duality.vmm.xen.ConsoleServer} are
 * the back halves of its split drivers.
 */
@NullMarked
package duality.vmm.xen;

import org.jspecify.annotations.NullMarked;
