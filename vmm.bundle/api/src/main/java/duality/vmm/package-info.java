/**
 * The protocols of a virtual machine, served by virtual-machine monitors, and of the agent inside
 * its guest.
 */
@Export
@Version("0.4.0")
@NullMarked
package duality.vmm;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
