/** A learning switch: the Ethernet between machines. */
@NullMarked
package duality.net.learning;

import org.jspecify.annotations.NullMarked;
