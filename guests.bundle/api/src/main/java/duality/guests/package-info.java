/**
 * What boots, and how to get it.
 *
 * <p>A guest bundle registers one {@link duality.guests.GuestImage} for each system it can boot.
 * Whoever runs machines asks it to {@linkplain duality.guests.GuestImage#prepare prepare} and gets
 * a {@link duality.guests.Boot}: a kernel, perhaps an initial RAM disk, a command line, and how to
 * tell that the guest is up. Nothing here knows about processors or devices, and a guest bundle
 * never starts a machine.
 *
 * <pre>{@code
 * Boot boot = linux.prepare(Progress.NONE);
 * // load boot.kernel() and boot.initrd(), append boot.commandLine(), then wait for the console to
 * // print a line that is boot.readyLine()
 * }</pre>
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.guests;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
