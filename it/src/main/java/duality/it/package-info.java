/** Tests of the whole system, run as a bundle inside a real Felix. */
@NullMarked
package duality.it;

import org.jspecify.annotations.NullMarked;
