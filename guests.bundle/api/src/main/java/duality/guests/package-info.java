/** What boots, and how to get it. */
@Export
@Version("0.1.0")
@NullMarked
package duality.guests;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
