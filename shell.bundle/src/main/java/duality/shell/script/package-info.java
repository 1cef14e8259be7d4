/** Takes a script apart, runs it statement by statement, and says how it went. */
@NullMarked
package duality.shell.script;

import org.jspecify.annotations.NullMarked;
