/**
 * The interactive shell: prompt, history, completion, Ctrl-C, and the terminal given to a guest.
 */
@NullMarked
package duality.shell.terminal;

import org.jspecify.annotations.NullMarked;
