/** The protocols of devices and stores. */
@Export
@Version("0.1.0")
@NullMarked
package duality.drivers;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
