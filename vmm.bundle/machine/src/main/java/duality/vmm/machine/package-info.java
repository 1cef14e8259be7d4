/** Runs a guest on a full hart. */
@NullMarked
package duality.vmm.machine;

import org.jspecify.annotations.NullMarked;
