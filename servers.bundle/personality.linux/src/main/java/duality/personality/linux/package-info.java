/** Serves the system calls of native Linux programs by IPC. */
@NullMarked
package duality.personality.linux;

import org.jspecify.annotations.NullMarked;
