/** The core-local interruptor and the real-time clock. */
@NullMarked
package duality.clock;

import org.jspecify.annotations.NullMarked;
