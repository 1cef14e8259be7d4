/**
 * Root: holds all frames, and says which server serves which endpoint.
 *
 * <p>What is here: the routing file and who reads it, the free list of frames with the quotas, the
 * start of the first servers. What is not here: hold and rebind (the core's), swaps (the
 * swapper's).
 */
@NullMarked
package duality.root;

import org.jspecify.annotations.NullMarked;
