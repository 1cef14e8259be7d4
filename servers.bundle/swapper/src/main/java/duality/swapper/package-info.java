/** Replaces servers in transactions. */
@NullMarked
package duality.swapper;

import org.jspecify.annotations.NullMarked;
