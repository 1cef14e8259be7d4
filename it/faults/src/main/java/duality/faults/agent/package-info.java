/** Inside the system under test: does what the campaign asks for, and judges nothing. */
@NullMarked
package duality.faults.agent;

import org.jspecify.annotations.NullMarked;
