/** What goes into the jar of a mutant beside the server's own classes. */
@NullMarked
package duality.faults.injected;

import org.jspecify.annotations.NullMarked;
