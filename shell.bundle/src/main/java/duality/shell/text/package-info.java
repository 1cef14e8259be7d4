/**
 * How sizes, durations and results are read and written. Knows nothing of Gogo and of the system.
 */
@NullMarked
package duality.shell.text;

import org.jspecify.annotations.NullMarked;
