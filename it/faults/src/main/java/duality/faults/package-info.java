/**
 * Fault injection: makes mutants of server bundles, swaps them in under load in a child JVM, and
 * compares what guests do with what this JVM computes itself.
 *
 * <p>The campaign and its oracle are outside of the system under test: nothing that a fault breaks
 * there can make a result look better.
 */
@NullMarked
package duality.faults;

import org.jspecify.annotations.NullMarked;
