/** Benchmarks, each named after the question it answers, on a plain class path. */
@NullMarked
package duality.bench;

import org.jspecify.annotations.NullMarked;
