package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Scheduler;
import duality.kernel.Server;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The classes of a server that went, when it left a thread-local on every processor's thread. */
@Timeout(300)
class LeftBehindTest {
  private final Core core = Core.start(2, 1 << 20, 20);

  @AfterEach
  void stop() {
    core.close();
  }

  /** Has classes of its own for the server, as a bundle has. */
  private static final class Apart extends ClassLoader {
    Apart() {
      super(LeftBehindTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(LeavingServer.class.getName())) {
        return super.loadClass(name, resolve);
      }
      Class<?> there = findLoadedClass(name);
      if (there != null) {
        return there;
      }
      try (InputStream in =
          Objects.requireNonNull(getResourceAsStream(name.replace('.', '/') + ".class"))) {
        byte[] bytes = in.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private WeakReference<ClassLoader> servedAndGone() throws ReflectiveOperationException {
    ClassLoader apart = new Apart();
    Class<?> type = apart.loadClass(LeavingServer.class.getName());
    assertTrue(type.getClassLoader() == apart);
    Server server = (Server) type.getConstructor().newInstance();
    core.register("leaving", server, Scheduler.class);
    core.register("next", new LeavingServer(), Scheduler.class);
    core.create("scheduler", Scheduler.class, Map.of("server", "leaving"), Map.of(), false);
    var endpoint = core.endpoint("scheduler");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (endpoint.report().calls() < 10) {
      assertTrue(System.nanoTime() < end, "no processor asks the scheduler");
      Thread.onSpinWait();
    }
    HandOver.call(
        core,
        "swap",
        () -> {
          try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
            endpoint.open("next", null).bind();
            return hold;
          }
        });
    core.unregister("leaving", server);
    return new WeakReference<>(apart);
  }

  @Test
  void areCollectable() throws ReflectiveOperationException {
    WeakReference<ClassLoader> loader = servedAndGone();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (loader.get() != null) {
      System.gc();
      LockSupport.parkNanos(20_000_000);
      assertTrue(System.nanoTime() < end, "its classes are still reachable");
    }
  }
}
