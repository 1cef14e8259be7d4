/**
 * A soak: a Linux guest works while every component under it is replaced again and again.
 *
 * <p>{@link duality.soak.Soak} is the run, {@link duality.soak.Plan} what it shall do, {@link
 * duality.soak.Outcome} what came out. The guest ({@link duality.soak.GuestWork}) writes a pattern
 * to a disk and checks it, sums up memory and answers on its console; {@link
 * duality.soak.DiskPattern} is the same pattern, computed by the host on its own.
 *
 * <p>Pause means how long the gates were closed: the longest that a new call waits. Of that, drain
 * is the wait for calls that were inside. Samples during which the host gave the processors to
 * others ({@link duality.soak.Processor}) are counted apart.
 *
 * <p>{@link duality.soak.Crashes} is another run: servers are killed under a small guest ({@link
 * duality.soak.NanoWork}), and what is measured is the time to the service.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.soak;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
