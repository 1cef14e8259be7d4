/** Programs without a system: runs them to their verdict, see {@link duality.vmm.BareRunner}. */
@NullMarked
package duality.vmm.bare;

import org.jspecify.annotations.NullMarked;
