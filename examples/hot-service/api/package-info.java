/** A service that has nothing to do with machines. */
@Export
@Version("1.0.0")
package hot;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
