/** Schedules threads in turn. */
@NullMarked
package duality.scheduler.roundrobin;

import org.jspecify.annotations.NullMarked;
