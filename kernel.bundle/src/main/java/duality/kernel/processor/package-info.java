/**
 * What the kernel asks of a processor: the engine that executes RV64 code.
 *
 * <p>An {@link duality.kernel.processor.Engine} runs one {@link duality.kernel.processor.Hart} in
 * one {@link duality.kernel.processor.Memory} until something stops it. It lies below the kernel,
 * as hardware does: it is trusted, and it sees host addresses. Everything that a hart is made of
 * can be read out as a {@link duality.kernel.processor.HartState}, so that another engine, host
 * thread or monitor can go on with it.
 *
 * <p>The two modes are the two sides of the debate. In {@link
 * duality.kernel.processor.HartMode#USER} translations come from the core space and each call,
 * fault or exception leaves the engine. In {@link duality.kernel.processor.HartMode#FULL} the
 * engine walks the guest's own page tables over that space taken as guest-physical memory and
 * delivers traps to the guest itself.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.kernel.processor;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
