/** Supplies every page of a space before it is touched. */
@NullMarked
package duality.pager.pinned;

import org.jspecify.annotations.NullMarked;
