/** A virtio console device. */
@NullMarked
package duality.virtio.console;

import org.jspecify.annotations.NullMarked;
