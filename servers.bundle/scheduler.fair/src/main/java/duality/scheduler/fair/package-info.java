/** The fair scheduler: weighted virtual time. */
@NullMarked
package duality.scheduler.fair;

import org.jspecify.annotations.NullMarked;
