/** The platform-level interrupt controller. */
@NullMarked
package duality.plic;

import org.jspecify.annotations.NullMarked;
