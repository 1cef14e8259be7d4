/**
 * The swapper: replaces the servers behind endpoints, all of a set or none, and remembers what
 * happened.
 *
 * <p>The steps are those of K42 (Baumann et al., USENIX 2007): instantiate beside, quiesce,
 * transfer state, switch, free. Different from it: quiescence is found by reading the call slots of
 * all threads, and state goes through a neutral tree instead of a shared heap.
 */
@NullMarked
package duality.swapper;

import org.jspecify.annotations.NullMarked;
