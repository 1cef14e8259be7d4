/** The {@code kernel:} commands: they show what the core counts, and swap servers. */
@NullMarked
package duality.shell.kernel;

import org.jspecify.annotations.NullMarked;
