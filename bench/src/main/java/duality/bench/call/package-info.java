/** What a call through the kernel costs, beside what one would take instead. */
@NullMarked
package duality.bench.call;

import org.jspecify.annotations.NullMarked;
