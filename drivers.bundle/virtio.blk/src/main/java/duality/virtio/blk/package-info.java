/** A virtio block device. */
@NullMarked
package duality.virtio.blk;

import org.jspecify.annotations.NullMarked;
