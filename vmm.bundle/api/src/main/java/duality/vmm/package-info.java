/** The protocol of a virtual machine, served by virtual-machine monitors. */
@Export
@Version("0.1.0")
@NullMarked
package duality.vmm;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
