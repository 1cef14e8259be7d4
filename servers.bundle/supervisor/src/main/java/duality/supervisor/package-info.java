/**
 * The supervisor: decides what is done when a server fails, does it with the mechanism of the
 * kernel, and writes it down.
 *
 * <p>What is here: the rules, crash loops, checks and checkpoints at intervals, the record. What is
 * not here: noticing failures, keeping callers at the gate, the restart of the supervisor itself
 * (all the kernel's), swaps that people ask for (the swapper's).
 *
 * <p>After MINIX 3's reincarnation server (Herder et al., DSN 2007): policies as data, exponential
 * back-off, restarts without the clients' knowledge. Different from it: state is asked of the
 * failed instance first, because a Java object survives an exception of one of its methods.
 */
@NullMarked
package duality.supervisor;

import org.jspecify.annotations.NullMarked;
