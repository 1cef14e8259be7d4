/** The campaign in small, what it relies on, and what one JVM does not contain. */
@NullMarked
package duality.faults;

import org.jspecify.annotations.NullMarked;
