/**
 * What hosts do in guests through a {@link duality.vmm.GuestAgent}: run a command to its end, and
 * copy files. Used by the shell and by the library for programs outside of OSGi.
 */
@Export
@Version("0.2.0")
@NullMarked
package duality.vmm.guest;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
