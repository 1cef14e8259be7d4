/** How fast what fails is found out and replaced. */
@NullMarked
package duality.bench.recovery;

import org.jspecify.annotations.NullMarked;
