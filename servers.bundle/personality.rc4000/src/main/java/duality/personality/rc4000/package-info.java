/** The nucleus of the RC 4000 multiprogramming system [BH70], for native programs, by IPC. */
@NullMarked
package duality.personality.rc4000;

import org.jspecify.annotations.NullMarked;
