/** The commands that show and change what is done when servers fail. */
@NullMarked
package duality.shell.supervisor;

import org.jspecify.annotations.NullMarked;
