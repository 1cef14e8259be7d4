/**
 * The library's part inside of the framework. It offers one service of a type of Java's own,
 * because outside nobody has the classes of the bundles; what goes through it is of such types,
 * too.
 */
@NullMarked
package duality.library.inside;

import org.jspecify.annotations.NullMarked;
