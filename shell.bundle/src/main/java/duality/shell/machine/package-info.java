/**
 * The {@code guest:} and {@code vm:} commands: what can be booted, and the machines that run it.
 */
@NullMarked
package duality.shell.machine;

import org.jspecify.annotations.NullMarked;
