/** The main class of the JVM under test. */
@NullMarked
package duality.faults.child;

import org.jspecify.annotations.NullMarked;
