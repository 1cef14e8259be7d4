/**
 * What every shell needs and Gogo's core leaves to others: help, loops, conditions, filters of
 * text.
 */
@NullMarked
package duality.shell.language;

import org.jspecify.annotations.NullMarked;
