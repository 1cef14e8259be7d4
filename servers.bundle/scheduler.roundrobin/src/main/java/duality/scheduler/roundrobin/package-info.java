/** The round robin scheduler: every thread in turn, for the same slice. */
@NullMarked
package duality.scheduler.roundrobin;

import org.jspecify.annotations.NullMarked;
