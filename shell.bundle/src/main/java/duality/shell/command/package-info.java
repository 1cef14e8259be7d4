/**
 * What a command of the shell is: a {@linkplain duality.shell.command.Syntax syntax} that says how
 * it is called, from which help, completion and checks are made, and an {@linkplain
 * duality.shell.command.Action action}. {@link duality.shell.command.CommandFunction} shows it to
 * Gogo.
 */
@NullMarked
package duality.shell.command;

import org.jspecify.annotations.NullMarked;
