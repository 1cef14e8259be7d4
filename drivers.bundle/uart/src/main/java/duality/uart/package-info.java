/** A 16550A UART. */
@NullMarked
package duality.uart;

import org.jspecify.annotations.NullMarked;
