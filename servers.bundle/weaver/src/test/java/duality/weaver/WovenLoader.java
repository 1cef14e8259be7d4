package duality.weaver;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Loads a class and those nested in it woven, as the framework does with a bundle's. */
final class WovenLoader extends ClassLoader {
  private final String prefix;

  private WovenLoader(Class<?> type) {
    super(type.getClassLoader());
    prefix = type.getName();
  }

  static Class<?> load(Class<?> type) {
    try {
      return Class.forName(type.getName(), true, new WovenLoader(type));
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.equals(prefix) && !name.startsWith(prefix + "$")) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      if (loaded != null) {
        return loaded;
      }
      try (var in = getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = in.readAllBytes();
        byte[] woven = PollWeaver.weave(bytes);
        byte[] defined = woven == null ? bytes : woven;
        return defineClass(name, defined, 0, defined.length);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
