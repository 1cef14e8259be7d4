/** The launcher and the shell from outside. */
@NullMarked
package duality.it.terminal;

import org.jspecify.annotations.NullMarked;
