/**
 * The host's side of the agent in a guest: runs commands there, over a console.
 *
 * <p>{@link duality.vmm.agent.Session} speaks the protocol, bytes in and bytes out, without a clock
 * or a thread of its own; {@link duality.vmm.agent.Agent} is the server around it.
 */
@NullMarked
package duality.vmm.agent;

import org.jspecify.annotations.NullMarked;
