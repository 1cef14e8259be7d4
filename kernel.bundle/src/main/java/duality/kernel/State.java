package duality.kernel;

import java.util.AbstractMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The neutral tree in which a server's state goes from one version or one implementation to
 * another: a schema name, its version, and named values. Values are {@code Long}, {@code Boolean},
 * {@code String}, {@code byte[]}, {@code long[]}, {@code State}, and lists of such. No class of a
 * server's bundle is in it.
 *
 * @param schema what it describes, such as {@code scheduler} or {@code virtio.blk}
 * @param version version of that schema, from 1 on
 * @param values the values by name, in order
 */
public record State(String schema, int version, Map<String, Object> values) {
  /** A state that a server does not take; the message says which value is wrong and why. */
  public static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Says what is wrong with the state. */
    public Refused(String message) {
      super(message);
    }
  }

  /** Checks the kinds of all values and copies what could change. */
  public State {
    if (!(values instanceof Checked)) {
      Checked checked = Checked.NONE;
      for (Map.Entry<String, Object> each : values.entrySet()) {
        checked = checked.with(schema, each.getKey(), each.getValue());
      }
      values = checked;
    }
  }

  /** An empty state to which values are added by {@link #with}. */
  public static State of(String schema, int version) {
    return new State(schema, version, Map.of());
  }

  /** This state with one more value. Integers become {@code Long}. */
  public State with(String name, Object value) {
    Checked checked = (Checked) values;
    return new State(schema, version, checked.with(schema, name, value));
  }

  /**
   * Checks what this state is.
   *
   * @return its version
   * @throws Refused unless it has that schema and a version from 1 to {@code newest}
   */
  public int expect(String name, int newest) {
    if (!schema.equals(name) || version < 1 || version > newest) {
      throw new Refused(
          "state of '"
              + schema
              + "' version "
              + version
              + " where '"
              + name
              + "' of version 1 to "
              + newest
              + " is understood");
    }
    return version;
  }

  /** A number. */
  public long number(String name) {
    return value(name, Long.class);
  }

  /** A number between two bounds, both included. */
  public long number(String name, long least, long most) {
    long n = number(name);
    if (n < least || n > most) {
      throw new Refused(schema + "." + name + " is " + n + ", outside of " + least + " to " + most);
    }
    return n;
  }

  /** A truth value. */
  public boolean flag(String name) {
    return value(name, Boolean.class);
  }

  /** A text. */
  public String text(String name) {
    return value(name, String.class);
  }

  /** Bytes, as a copy. */
  public byte[] bytes(String name) {
    return value(name, byte[].class).clone();
  }

  /** Numbers, as a copy. */
  public long[] numbers(String name) {
    return value(name, long[].class).clone();
  }

  /** A state inside this one. */
  public State state(String name) {
    return value(name, State.class);
  }

  /** States in a list. */
  public List<State> states(String name) {
    List<State> found = new ArrayList<>();
    for (Object each : value(name, List.class)) {
      if (!(each instanceof State state)) {
        throw new Refused(schema + "." + name + " holds something that is not a state");
      }
      found.add(state);
    }
    return found;
  }

  /** Whether there is a value of that name. */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  private <T> T value(String name, Class<T> type) {
    Object value = values.get(name);
    if (value == null) {
      throw new Refused(schema + "." + name + " is missing");
    }
    if (!type.isInstance(value)) {
      throw new Refused(
          schema
              + "."
              + name
              + " is a "
              + value.getClass().getSimpleName()
              + ", not a "
              + type.getSimpleName());
    }
    return type.cast(value);
  }

  /**
   * Values that were checked and copied, so that adding one does not touch the others: a swap waits
   * while states are built. A chain from the last value to the first, laid out when it is first
   * read.
   */
  private static final class Checked extends AbstractMap<String, Object> {
    static final Checked NONE = new Checked(null, "", "");

    private final @Nullable Checked before;
    private final String name;
    private final Object value;
    private volatile @Nullable Map<String, Object> laidOut;

    private Checked(@Nullable Checked before, String name, Object value) {
      this.before = before;
      this.name = name;
      this.value = value;
    }

    Checked with(String schema, String another, Object itsValue) {
      return new Checked(this, another, neutral(schema + "." + another, itsValue));
    }

    private Map<String, Object> all() {
      Map<String, Object> all = laidOut;
      if (all == null) {
        Deque<Checked> chain = new ArrayDeque<>();
        for (Checked each = this; each.before != null; each = each.before) {
          chain.push(each);
        }
        Map<String, Object> fresh = new LinkedHashMap<>();
        chain.forEach(each -> fresh.put(each.name, each.value));
        all = Collections.unmodifiableMap(fresh);
        laidOut = all;
      }
      return all;
    }

    @Override
    public Set<Entry<String, Object>> entrySet() {
      return all().entrySet();
    }

    @Override
    public @Nullable Object get(Object key) {
      return all().get(key);
    }

    @Override
    public boolean containsKey(Object key) {
      return all().containsKey(key);
    }
  }

  private static Object neutral(String where, Object value) {
    return switch (value) {
      case Long n -> n;
      case Integer n -> (long) n;
      case Boolean b -> b;
      case String s -> s;
      case State s -> s;
      case byte[] bytes -> bytes.clone();
      case long[] numbers -> numbers.clone();
      case List<?> list -> list.stream().map(each -> neutral(where, each)).toList();
      default ->
          throw new Refused(
              where + " is a " + value.getClass().getName() + ", which is no neutral value");
    };
  }
}
