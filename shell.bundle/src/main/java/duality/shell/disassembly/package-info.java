/**
 * RV64GC with Zba, Zbb, Zbs and cache blocks as text, in the syntax of the RISC-V assembly manual.
 * Knows nothing of Gogo and of the system.
 */
@NullMarked
package duality.shell.disassembly;

import org.jspecify.annotations.NullMarked;
