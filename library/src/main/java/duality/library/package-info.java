/**
 * Machines for programs that know nothing of OSGi, such as tests:
 *
 * <pre>{@code
 * try (Machine machine = Machine.boot("linux")) {
 *   System.out.println(machine.exec("uname -a").stdout());
 * }
 * }</pre>
 *
 * <p>The whole system is in this jar; it is started with the first machine and stopped with the
 * last one, in this JVM.
 */
@NullMarked
package duality.library;

import org.jspecify.annotations.NullMarked;
