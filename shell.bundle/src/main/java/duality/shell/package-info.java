/** Gogo commands, script mode and the drawing of results. */
@NullMarked
package duality.shell;

import org.jspecify.annotations.NullMarked;
