/** A virtio entropy device. */
@NullMarked
package duality.virtio.rng;

import org.jspecify.annotations.NullMarked;
