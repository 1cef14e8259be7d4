/** Tells Java Flight Recorder what happens to servers. */
@NullMarked
package duality.recorder;

import org.jspecify.annotations.NullMarked;
