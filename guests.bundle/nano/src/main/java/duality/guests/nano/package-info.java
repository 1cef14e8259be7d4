/** A tiny operating system of our own. */
@NullMarked
package duality.guests.nano;

import org.jspecify.annotations.NullMarked;
