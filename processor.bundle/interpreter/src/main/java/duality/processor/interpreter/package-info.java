/** Runs RV64GC code one instruction at a time. */
@NullMarked
package duality.processor.interpreter;

import org.jspecify.annotations.NullMarked;
