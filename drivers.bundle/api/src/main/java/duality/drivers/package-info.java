/**
 * Protocols of devices and of what stands behind them.
 *
 * <p>A device is four separate things, as in rust-vmm: device logic, queue, transport, and a
 * backend that is a server of its own ({@link duality.drivers.Store}, {@link
 * duality.drivers.Console}, {@link duality.drivers.Network}). Device logic only updates registers
 * and signals; real work is done by a worker outside the processors. Everything that comes from a
 * guest is hostile.
 *
 * <p>The slots that a monitor endows a device endpoint with are named in {@link
 * duality.drivers.Slots}.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.drivers;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
