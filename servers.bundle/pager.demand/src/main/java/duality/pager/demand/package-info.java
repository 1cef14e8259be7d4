/** Supplies a zeroed page at the first touch. */
@NullMarked
package duality.pager.demand;

import org.jspecify.annotations.NullMarked;
