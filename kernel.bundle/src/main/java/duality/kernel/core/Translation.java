package duality.kernel.core;

import duality.kernel.CallFailed;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A server as clients of another version of its API see it. After an API was updated its servers
 * have the new classes, and clients that were not restarted the old ones of the same names. Their
 * calls are handed over by name, and records, enums, lists, maps and capabilities among arguments
 * and results are made anew in the classes of the other side.
 *
 * <p>Slow (some microseconds), and only for such clients: nobody else's call comes by here.
 */
final class Translation implements InvocationHandler {
  private final Object server;
  private final Class<?> theirs;
  private final ClassLoader home;

  private Translation(Object server, Class<?> theirs, ClassLoader home) {
    this.server = server;
    this.theirs = theirs;
    this.home = home;
  }

  /** The server, callable as that type. */
  static Object of(Object server, Class<?> type) {
    if (type.isInstance(server)) {
      return server;
    }
    Class<?> theirs = named(server.getClass(), type.getName());
    return theirs == null
        ? server
        : Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            new Translation(server, theirs, type.getClassLoader()));
  }

  /** The type of that name among a class, what it extends and what it implements; or null. */
  static @Nullable Class<?> named(Class<?> type, String name) {
    for (Class<?> each = type; each != null; each = each.getSuperclass()) {
      if (each.getName().equals(name)) {
        return each;
      }
      for (Class<?> implemented : each.getInterfaces()) {
        Class<?> found = named(implemented, name);
        if (found != null) {
          return found;
        }
      }
    }
    return null;
  }

  /**
   * The class of the same name as {@code type} that a loader sees; {@code type} if there is none.
   */
  static Class<?> seenFrom(@Nullable ClassLoader loader, Class<?> type) {
    if (loader == null || type.getClassLoader() == null) {
      return type;
    }
    try {
      return Class.forName(type.getName(), false, loader);
    } catch (ClassNotFoundException | LinkageError e) {
      return type;
    }
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
      throws Throwable {
    if (method.getDeclaringClass() == Object.class) {
      return method.invoke(this, arguments);
    }
    ClassLoader there = theirs.getClassLoader();
    Class<?>[] types = method.getParameterTypes();
    Object[] values = arguments == null ? new Object[0] : arguments.clone();
    Method counterpart;
    try {
      for (int i = 0; i < types.length; i++) {
        types[i] = seenFrom(there, types[i]);
        values[i] = translate(values[i], there);
      }
      counterpart = theirs.getMethod(method.getName(), types);
    } catch (NoSuchMethodException e) {
      throw new CallFailed.BadRequest(
          "the server's version of " + theirs.getName() + " has no such method: " + method);
    }
    try {
      return translate(counterpart.invoke(server, values), home);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }

  private static @Nullable Object translate(@Nullable Object value, @Nullable ClassLoader to) {
    if (value instanceof Stub stub) {
      return stub.seenFrom(to);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(each -> translate(each, to)).toList();
    }
    if (value instanceof Map<?, ?> map) {
      Map<@Nullable Object, @Nullable Object> made = new LinkedHashMap<>();
      map.forEach((key, each) -> made.put(translate(key, to), translate(each, to)));
      return made;
    }
    if (value instanceof Enum<?> constant) {
      return constant(constant, seenFrom(to, constant.getDeclaringClass()));
    }
    return value instanceof Record given
        ? record(given, seenFrom(to, given.getClass()), to)
        : value;
  }

  private static Object constant(Enum<?> constant, Class<?> type) {
    for (Object each : type.getEnumConstants()) {
      if (((Enum<?>) each).name().equals(constant.name())) {
        return each;
      }
    }
    throw new CallFailed.BadRequest(
        constant + " is unknown to the other version of " + type.getName());
  }

  private static Object record(Record given, Class<?> type, @Nullable ClassLoader to) {
    if (type == given.getClass()) {
      return given;
    }
    try {
      RecordComponent[] components = type.getRecordComponents();
      Class<?>[] types = new Class<?>[components.length];
      @Nullable Object[] values = new @Nullable Object[components.length];
      for (int i = 0; i < components.length; i++) {
        types[i] = components[i].getType();
        Method accessor = given.getClass().getMethod(components[i].getName());
        accessor.setAccessible(true);
        values[i] = translate(accessor.invoke(given), to);
      }
      var constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      throw new CallFailed.BadRequest(
          given + " does not fit the other version of " + type.getName() + ": " + e);
    }
  }
}
