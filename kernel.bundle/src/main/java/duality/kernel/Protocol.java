package duality.kernel;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a public interface as the type of an endpoint.
 *
 * <p>Arguments and results are primitives, strings, records of such, enums, and capabilities
 * (stubs); no arrays on hot paths. Bulk data goes through frames. Overloads are allowed, generic
 * methods are not. No result is null: a server that answers null has failed, as if it had thrown.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Protocol {
  /** Rank of things people start: the shell and test programs. */
  int TOP = 100;

  /** Rank of machines and personalities, and of all that creates them. */
  int MACHINE = 80;

  /** Rank of the supervisor and the swapper. */
  int CONTROL = 70;

  /** Rank of device logic. */
  int DEVICE = 60;

  /** Rank of interrupt controllers. */
  int INTERRUPTS = 50;

  /** Rank of what stands behind devices: stores, consoles, networks. */
  int BACKEND = 40;

  /** Rank of pagers. */
  int PAGER = 30;

  /** Rank of root. */
  int ROOT = 20;

  /** Rank of the scheduler. */
  int SCHEDULER = 10;

  /**
   * Calls go down: a server of this protocol may call endpoints of lower rank only. An upward call
   * is refused with {@link CallFailed.BadRequest}, so that no circle of waiting servers can be.
   */
  int rank();

  /** How long a call may take, waiting at the gate included, before it fails as timed out. */
  long deadlineMillis() default 5_000;

  /**
   * How long a server may be stuck inside one call or one round of a worker before it counts as
   * failed: asleep while nobody else of its endpoint is at work, or burning a processor. Time in
   * calls to others does not count, nor time in which the host was late or did not let it run; who
   * is inside a system call of the host has the whole deadline. 0: everybody has.
   */
  long stallMillis() default 0;
}
