/** A virtio network card. */
@NullMarked
package duality.virtio.net;

import org.jspecify.annotations.NullMarked;
