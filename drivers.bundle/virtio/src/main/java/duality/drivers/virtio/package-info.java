/** Transport and virtqueues that all virtio devices share. */
@Export
@Version("0.1.0")
@NullMarked
package duality.drivers.virtio;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
