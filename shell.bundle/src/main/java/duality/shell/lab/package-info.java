/**
 * The lab: the claims of the debate as experiments that state what each side predicts, run, and
 * print the prediction beside the result.
 */
@NullMarked
package duality.shell.lab;

import org.jspecify.annotations.NullMarked;
