/**
 * Protocols of the servers that hold policy for the whole system: root, the swapper and the
 * supervisor.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.servers;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
