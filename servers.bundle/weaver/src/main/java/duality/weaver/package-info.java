/**
 * The weaver: adds abort polls to the code of server bundles when it is loaded, and diverts what
 * would end the JVM.
 */
@NullMarked
package duality.weaver;

import org.jspecify.annotations.NullMarked;
