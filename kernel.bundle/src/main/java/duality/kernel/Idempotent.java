package duality.kernel;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A method of a protocol that may be called again with the same arguments when it is not known
 * whether the first call had its effect: twice is as good as once. When the server fails in such a
 * call and somebody mends it, the capability repeats the call with the next server, at most three
 * times, and the caller notices only the time that it took.
 *
 * <p>True of questions, and of methods that set something to a value. Not of what appends, takes
 * away, or allocates. A call that was given up at its deadline is not repeated: its time is over.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Idempotent {}
