/** Who trusts whom: what a guest's code base is, and who stalls when a server dies. */
@NullMarked
package duality.shell.trust;

import org.jspecify.annotations.NullMarked;
