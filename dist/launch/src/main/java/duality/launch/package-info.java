/** What stays on the framework's class path: the orderly end of a run. */
@NullMarked
package duality.launch;

import org.jspecify.annotations.NullMarked;
