/** The test finisher, by which a guest switches its machine off. */
@NullMarked
package duality.finisher;

import org.jspecify.annotations.NullMarked;
