/** The cost dial. */
@NullMarked
package duality.dial;

import org.jspecify.annotations.NullMarked;
