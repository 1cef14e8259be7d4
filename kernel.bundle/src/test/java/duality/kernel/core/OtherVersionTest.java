package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.Server;
import duality.kernel.State;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An API whose classes are there twice, as after an update of its bundle: servers that have the new
 * ones behind endpoints that were made with the old ones, clients of both.
 */
@Timeout(300)
class OtherVersionTest {
  /** What kind of entry. */
  public enum Kind {
    IN,
    OUT
  }

  /** One entry. */
  public record Entry(Kind kind, long amount, List<String> notes) {}

  /** Below the book. */
  @Protocol(rank = 40)
  public interface Paper {
    String quality();
  }

  /** The protocol. */
  @Protocol(rank = 60)
  public interface Book {
    long add(Entry entry);

    Entry last();

    List<Entry> all(int most);

    String on(Paper paper);

    Book copy();

    String paper();

    void refuse();
  }

  /** Serves it; loaded with the API, once for each version. */
  public static final class Books implements Server {
    @Override
    public Instance open(Context context, @Nullable State saved) {
      return new Serving(context, saved == null ? 0 : saved.number("sum"));
    }
  }

  /** At work. */
  public static final class Serving implements Book, Instance {
    private final Context context;
    private long sum;
    private Entry last = new Entry(Kind.OUT, 0, List.of());

    Serving(Context context, long sum) {
      this.context = context;
      this.sum = sum;
    }

    @Override
    public synchronized long add(Entry entry) {
      last = entry;
      return sum += entry.kind() == Kind.IN ? entry.amount() : -entry.amount();
    }

    @Override
    public Entry last() {
      return last;
    }

    @Override
    public List<Entry> all(int most) {
      return List.of(last, last);
    }

    @Override
    public String on(Paper paper) {
      context.keep("paper", paper);
      return paper.quality();
    }

    @Override
    public Book copy() {
      return context.self(Book.class);
    }

    @Override
    public String paper() {
      return context.slot("paper", Paper.class).quality();
    }

    @Override
    public void refuse() {
      throw new CallFailed.BadRequest("as asked");
    }

    @Override
    public State save() {
      return State.of("book", 1).with("sum", sum);
    }
  }

  /** Serves the paper. */
  public static final class Papers implements Server {
    @Override
    public Instance open(Context context, @Nullable State saved) {
      return new Sheet();
    }
  }

  /** At work. */
  public static final class Sheet implements Paper, Instance {
    @Override
    public String quality() {
      return "fine";
    }

    @Override
    public State save() {
      return State.of("paper", 1);
    }
  }

  /** Has the classes of this test a second time. */
  private static final class Again extends ClassLoader {
    Again() {
      super(OtherVersionTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(OtherVersionTest.class.getName())) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> there = findLoadedClass(name);
        if (there != null) {
          return there;
        }
        try (InputStream in =
            Objects.requireNonNull(
                getParent().getResourceAsStream(name.replace('.', '/') + ".class"))) {
          byte[] bytes = in.readAllBytes();
          return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException e) {
          throw new ClassNotFoundException(name, e);
        }
      }
    }

    Server server(Class<?> type) {
      try {
        return (Server) loadClass(type.getName()).getConstructor().newInstance();
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);
  private final Again again = new Again();

  OtherVersionTest() {
    core.register("old", new Books(), Book.class);
    core.register("new", again.server(Books.class), Book.class);
    core.register("paper", new Papers(), Paper.class);
    core.register("new paper", again.server(Papers.class), Paper.class);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private Book book() {
    return core.create("b", Book.class, Map.of("server", "old"), Map.of(), false);
  }

  private Paper paper() {
    return core.create("p", Paper.class, Map.of("server", "paper"), Map.of(), false);
  }

  private void swap(String path, String to) {
    var endpoint = core.endpoint(path);
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertTrue(hold.drained() >= 0);
      endpoint.open(to, endpoint.save()).bind();
    }
  }

  private static Entry in(long amount) {
    return new Entry(Kind.IN, amount, List.of("a", "b"));
  }

  @Test
  void aClientWithTheOldClassesIsServedOnByAServerWithTheNewOnes() {
    Book book = book();
    assertEquals(5, book.add(in(5)));
    swap("b", "new");
    assertNotSame(Book.class, ((EndpointObject) core.endpoint("b")).type());
    assertEquals(7, book.add(in(2)), "the state came along, through the neutral form");
    assertEquals(in(2), book.last(), "records and enums in the client's classes");
    assertEquals(List.of(in(2), in(2)), book.all(2));
    assertEquals(4, book.add(new Entry(Kind.OUT, 3, List.of())));
    assertEquals(5, book.copy().add(in(1)), "a capability that it gives out is of the client's");
    assertThrows(CallFailed.BadRequest.class, book::refuse);
    assertEquals(6, core.connect("b", Book.class).add(in(1)), "one that is made afterwards too");
    swap("b", "old");
    assertSame(Book.class, ((EndpointObject) core.endpoint("b")).type());
    assertEquals(7, book.add(in(1)), "and back");
  }

  @Test
  void capabilitiesAreOfTheClassesOfWhoeverHoldsThem() {
    Book book = book();
    Paper paper = paper();
    assertEquals("fine", book.on(paper));
    swap("b", "new");
    assertEquals("fine", book.paper(), "from a slot of before, to a server of before");
    swap("p", "new paper");
    assertEquals("fine", book.paper());
    assertEquals("fine", paper.quality());
    assertEquals("fine", book.on(paper));
    swap("b", "old");
    assertEquals("fine", book.paper());
  }

  @Test
  void aClientWithTheNewClassesReachesAServerWithTheOldOnes() throws Exception {
    Book old = book();
    old.add(in(3));
    Class<?> type = again.loadClass(Book.class.getName());
    Object book = core.connect("b", type);
    Object last = type.getMethod("last").invoke(book);
    assertNotSame(Entry.class, last.getClass());
    assertEquals(in(3).toString(), last.toString());
    swap("b", "new");
    Object now = type.getMethod("last").invoke(book);
    assertTrue(now.toString().contains("OUT"), "straight to the new one: " + now);
  }

  @Test
  void whoWaitsWhileTheVersionChangesGetsThrough() throws Exception {
    Book book = book();
    for (int i = 0; i < 50; i++) {
      var endpoint = core.endpoint("b");
      long[] answer = new long[1];
      Thread waiting = new Thread(() -> answer[0] = book.add(in(1)));
      long before = endpoint.report().waited();
      try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
        assertEquals(0, hold.drained());
        waiting.start();
        while (endpoint.report().waited() == before) {
          Thread.onSpinWait();
        }
        endpoint.open(i % 2 == 0 ? "new" : "old", endpoint.save()).bind();
      }
      waiting.join();
      assertEquals(i + 1, answer[0]);
    }
    assertEquals(List.of(), core.failures());
  }

  @Test
  void aServerOfAVacantEndpointMayHaveTheNewClasses() {
    Book book = book();
    book.add(in(1));
    Server old = new Books();
    core.register("leaving", old, Book.class);
    swap("b", "leaving");
    core.unregister("leaving", old);
    core.register("leaving", again.server(Books.class), Book.class);
    assertEquals(2, book.add(in(1)));
  }

  @Test
  void oldAndNewClientsCallAtOnce() throws Exception {
    Book book = book();
    swap("b", "new");
    boolean[] stop = new boolean[1];
    Thread other =
        new Thread(
            () -> {
              while (!stop[0]) {
                if (core.connect("b", Book.class).add(in(0)) < 0) {
                  throw new AssertionError("a sum of what is not negative");
                }
                book.add(in(0));
              }
            });
    other.start();
    for (int i = 1; i <= 100; i++) {
      assertEquals(i, book.add(in(1)));
      swap("b", i % 2 == 0 ? "new" : "old");
    }
    stop[0] = true;
    other.join();
    assertEquals(List.of(), core.failures());
  }
}
