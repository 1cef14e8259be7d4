/** Tests of the weaver, with servers that misbehave. */
@NullMarked
package duality.weaver;

import org.jspecify.annotations.NullMarked;
