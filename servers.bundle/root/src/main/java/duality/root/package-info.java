/** Holds all frames and quotas at start and binds servers to endpoints. */
@NullMarked
package duality.root;

import org.jspecify.annotations.NullMarked;
