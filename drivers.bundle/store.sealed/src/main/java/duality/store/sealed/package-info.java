/**
 * Keeps a disk on a store that is not trusted, and notices whatever that one does to it.
 *
 * <p>What is here: encryption of each block ({@link duality.store.sealed.BlockCipher}), a tree of
 * hashes over what belongs to the blocks ({@link duality.store.sealed.Tree}), which blocks changed
 * since that tree was written ({@link duality.store.sealed.Changes}), and the small file that is
 * trusted ({@link duality.store.sealed.SealFile}). What is not here: the store below, which is an
 * endpoint of its own; any defence against one that does not answer at all.
 *
 * <p>After trusted wrappers over untrusted components [HPHS04] and hash trees over untrusted
 * storage [Merkle 1987; MVS00, "How to build a trusted database system on untrusted storage", OSDI
 * 2000]. Different from the latter: blocks stay where they are, and only the tree is written beside
 * its predecessor.
 */
@NullMarked
package duality.store.sealed;

import org.jspecify.annotations.NullMarked;
