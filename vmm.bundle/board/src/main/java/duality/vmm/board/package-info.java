/**
 * The board that machine monitors share: QEMU's RISC-V {@code virt} as far as we have it, with its
 * devices as endpoints, the SBI in the place of firmware, the loading of guests, and the life of a
 * machine. Monitors differ in how they run the hart, which is a {@link
 * duality.vmm.board.VirtualHart}; everything else is here.
 *
 * <p>A {@link duality.vmm.board.Machine} loads the guest ({@code KernelFile}, {@code Layout},
 * {@code BoardTree}), passes loads and stores to devices ({@link duality.vmm.board.Bus}), and
 * answers the guest's calls ({@code Sbi}). Its state is the same under each monitor: so one goes on
 * with what another has begun, while the guest runs.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.vmm.board;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
