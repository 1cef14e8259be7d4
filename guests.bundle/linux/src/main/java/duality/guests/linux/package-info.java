/** Debian's kernel with a small system around it. */
@NullMarked
package duality.guests.linux;

import org.jspecify.annotations.NullMarked;
