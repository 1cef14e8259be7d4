/** Offers the host's terminal as a console. */
@NullMarked
package duality.console.host;

import org.jspecify.annotations.NullMarked;
