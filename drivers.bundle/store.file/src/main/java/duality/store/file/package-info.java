/** Keeps a disk in a raw image file. */
@NullMarked
package duality.store.file;

import org.jspecify.annotations.NullMarked;
