/**
 * Machines behind the GDB remote serial protocol.
 *
 * <p>{@link duality.vmm.gdb.Framing} makes packets of bytes, {@link duality.vmm.gdb.Conversation}
 * answers them, both without sockets or threads; {@link duality.vmm.gdb.Stub} is the server around
 * them.
 */
@NullMarked
package duality.vmm.gdb;

import org.jspecify.annotations.NullMarked;
