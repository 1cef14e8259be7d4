/**
 * A fuzzer for what a guest can do to its machine: registers, rings, page tables, calls of the SBI,
 * instructions and files.
 */
@NullMarked
package duality.fuzz;

import org.jspecify.annotations.NullMarked;
