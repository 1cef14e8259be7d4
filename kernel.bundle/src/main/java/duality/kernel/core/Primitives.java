package duality.kernel.core;

import duality.kernel.Endpoint;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** The kinds of object and their methods, read from the exported interfaces. */
final class Primitives {
  private static final List<Class<?>> KINDS =
      List.of(
          Endpoint.class,
          Notification.class,
          KernelThread.class,
          Space.class,
          Frame.class,
          Grant.class);

  private Primitives() {}

  static List<String> list() {
    List<String> all = new ArrayList<>();
    for (Class<?> kind : KINDS) {
      Arrays.stream(kind.getMethods())
          .filter(method -> method.getDeclaringClass() == kind)
          .sorted(Comparator.comparing(Method::getName).thenComparing(Method::getParameterCount))
          .forEach(
              method ->
                  all.add(
                      kind.getSimpleName()
                          + "."
                          + method.getName()
                          + Arrays.stream(method.getParameterTypes())
                              .map(Class::getSimpleName)
                              .toList()
                              .toString()
                              .replace('[', '(')
                              .replace(']', ')')));
    }
    return all;
  }
}
