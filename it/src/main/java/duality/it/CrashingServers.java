package duality.it;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.Work;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;

/**
 * Beside each real server {@code X} a server {@code crash.X}: the same, but its next call, or its
 * worker's next round, throws when a test says so. Until its state is asked for nothing else is
 * wrong with it, as with a server that has a defect in one method.
 */
final class CrashingServers implements AutoCloseable {
  /** What is thrown. */
  static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;

    Crash(String path) {
      super(path + " crashes on purpose");
    }
  }

  private final Set<String> armed = ConcurrentHashMap.newKeySet();
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  /** Registers one for each of these. */
  CrashingServers(List<String> servers) throws InvalidSyntaxException {
    BundleContext context = FrameworkUtil.getBundle(CrashingServers.class).getBundleContext();
    for (String name : servers) {
      var references =
          context.getServiceReferences(Server.class, "(" + Server.NAME + "=" + name + ")");
      ServiceReference<Server> reference = references.iterator().next();
      Object protocol = reference.getProperty(Server.PROTOCOL);
      registrations.add(
          context.registerService(
              Server.class,
              new Crashing(context.getService(reference), List.of(texts(protocol))),
              FrameworkUtil.asDictionary(
                  java.util.Map.of(Server.NAME, "crash." + name, Server.PROTOCOL, protocol))));
    }
  }

  private static String[] texts(Object property) {
    return property instanceof String[] several ? several : new String[] {property.toString()};
  }

  /** The next call to the endpoint's server, or round of its worker, throws. */
  void arm(String path) {
    armed.add(path);
  }

  /** Whether it has not crashed yet. */
  boolean isArmed(String path) {
    return armed.contains(path);
  }

  private void crashWhenArmed(String path) {
    if (armed.remove(path)) {
      throw new Crash(path);
    }
  }

  @Override
  public void close() {
    registrations.forEach(ServiceRegistration::unregister);
  }

  private record Call(Object target, java.util.function.Consumer<Method> before)
      implements InvocationHandler {
    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
        throws Throwable {
      before.accept(method);
      try {
        return method.invoke(target, arguments);
      } catch (InvocationTargetException e) {
        throw e.getTargetException();
      }
    }
  }

  private final class Crashing implements Server {
    private final Server real;
    private final List<String> protocols;

    Crashing(Server real, List<String> protocols) {
      this.real = real;
      this.protocols = protocols;
    }

    @Override
    public Instance open(Context context, @Nullable State saved) {
      String path = context.path();
      Context watched =
          (Context)
              Proxy.newProxyInstance(
                  Context.class.getClassLoader(),
                  new Class<?>[] {Context.class},
                  (proxy, method, arguments) -> {
                    if (method.getName().equals("worker")) {
                      Work work = (Work) arguments[3];
                      arguments[3] =
                          (Work)
                              bits -> {
                                crashWhenArmed(path);
                                work.run(bits);
                              };
                    }
                    return new Call(context, any -> {}).invoke(proxy, method, arguments);
                  });
      Instance instance = real.open(watched, saved);
      List<Class<?>> types = new ArrayList<>(List.of(Instance.class));
      collect(instance.getClass(), types);
      return (Instance)
          Proxy.newProxyInstance(
              types.getLast().getClassLoader(),
              types.toArray(Class<?>[]::new),
              new Call(
                  instance,
                  method -> {
                    if (method.getDeclaringClass() != Instance.class) {
                      crashWhenArmed(path);
                    }
                  }));
    }

    private void collect(Class<?> type, List<Class<?>> found) {
      for (Class<?> each : type.getInterfaces()) {
        if (protocols.contains(each.getName()) && !found.contains(each)) {
          found.add(each);
        }
      }
      if (type.getSuperclass() != null) {
        collect(type.getSuperclass(), found);
      }
    }
  }
}
