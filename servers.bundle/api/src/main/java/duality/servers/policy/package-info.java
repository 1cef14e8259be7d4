/**
 * Parts that schedulers, pagers and personalities may be built from, so that a new policy can be
 * short and can take over from any other: the neutral state of a scheduler ({@link
 * duality.servers.policy.ThreadOrder}), the books of a pager with its neutral state ({@link
 * duality.servers.policy.Backing}), and the life of a task ({@link
 * duality.servers.policy.TaskLife}).
 *
 * <p>A scheduler in four steps: implement {@link duality.kernel.Server} as a Declarative Services
 * component with the properties {@code duality.server=scheduler.mine} and {@code
 * duality.protocol=duality.kernel.Scheduler}; let {@code open} answer an object that implements
 * both {@link duality.kernel.Instance} and {@link duality.kernel.Scheduler}; read a predecessor's
 * state by {@link duality.servers.policy.ThreadOrder#from}; let your test extend {@code
 * SchedulerContract}.
 */
@Export
@Version("0.1.0")
@NullMarked
package duality.servers.policy;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
