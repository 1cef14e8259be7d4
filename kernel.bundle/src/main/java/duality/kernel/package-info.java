/**
 * The core: one primitive, invoking a capability, over five kinds of object.
 *
 * <p>The kinds are {@link duality.kernel.Endpoint}, {@link duality.kernel.Notification}, {@link
 * duality.kernel.KernelThread}, {@link duality.kernel.Space} and {@link duality.kernel.Frame} (a
 * {@link duality.kernel.Grant} is frames lent for the length of a request). To Java code a
 * capability looks like the interface of what it leads to: the protocol of an endpoint, or the
 * interface of a kernel object. Behind it is a stub that the kernel generated, which checks that
 * the capability is valid, carries the right that the method needs and that the gate of the
 * endpoint is open, and notes the call in the caller's slot before it goes on, on the caller's own
 * thread.
 *
 * <p>A server is written in four steps:
 *
 * <ol>
 *   <li>an interface with {@link duality.kernel.Protocol}, in an API bundle;
 *   <li>a class that implements it and {@link duality.kernel.Instance};
 *   <li>a Declarative Services component that implements {@link duality.kernel.Server} and opens
 *       instances; its properties name the server and the protocol;
 *   <li>a line in root's routing file.
 * </ol>
 *
 * <p>Failure of a call reaches the caller as {@link duality.kernel.CallFailed}.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.kernel;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
