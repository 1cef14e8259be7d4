/** The core's implementation; not exported. */
@NullMarked
package duality.kernel.core;

import org.jspecify.annotations.NullMarked;
