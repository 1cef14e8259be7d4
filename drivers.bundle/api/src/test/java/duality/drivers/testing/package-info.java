/** Contracts that every driver is tested by, and a board on the real core to test them on. */
@NullMarked
package duality.drivers.testing;

import org.jspecify.annotations.NullMarked;
