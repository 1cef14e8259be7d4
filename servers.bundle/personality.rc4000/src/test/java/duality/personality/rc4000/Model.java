package duality.personality.rc4000;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the nucleus promises, told in another way: there are conversations and no buffers, and what
 * a process may still use is computed from what it was given.
 */
final class Model {
  /** One who talks. */
  static final class One {
    final long name;
    final One parent;
    final long first;
    final long pages;
    final int given;

    One(long name, One parent, long first, long pages, int given) {
      this.name = name;
      this.parent = parent;
      this.first = first;
      this.pages = pages;
      this.given = given;
    }
  }

  /** A message and what became of it. */
  static final class Talk {
    final int buffer;
    One from;
    One to;
    One payer;
    String phase;
    long result;
    long said;

    Talk(int buffer) {
      this.buffer = buffer;
    }
  }

  final Map<Long, One> all = new LinkedHashMap<>();
  final List<Talk> talks = new ArrayList<>(); // in the order in which they were begun
  private final int most;

  Model(String first, long pages, int buffers, int most) {
    this.most = most;
    One one = new One(Names.word(first), null, 0, pages, buffers);
    all.put(one.name, one);
  }

  List<One> children(One parent) {
    return all.values().stream().filter(each -> each.parent == parent).toList();
  }

  int left(One one) {
    int lent = children(one).stream().mapToInt(each -> each.given).sum();
    return one.given - lent - (int) talks.stream().filter(each -> each.payer == one).count();
  }

  /** Whether a message can be sent; then it is, in that buffer. */
  boolean send(One from, long to, long said, int buffer) {
    if (left(from) == 0) {
      return false;
    }
    Talk talk = new Talk(buffer);
    talk.from = from;
    talk.payer = from;
    talk.to = all.get(to);
    talk.said = said;
    talk.phase = "sent";
    if (talk.to == null) {
      dummy(talk);
    }
    talks.add(talk);
    return true;
  }

  private static void dummy(Talk talk) {
    talk.phase = "answered";
    talk.to = null;
    talk.result = Nucleus.DUMMY;
    talk.said = 0;
  }

  Talk receive(One to) {
    for (Talk each : talks) {
      if (each.to == to && each.phase.equals("sent")) {
        each.phase = "received";
        return each;
      }
    }
    return null;
  }

  long answer(One by, long buffer, long result, long said) {
    Talk talk = of(buffer);
    if (talk == null || talk.to != by || !talk.phase.equals("received")) {
      return Nucleus.UNKNOWN;
    }
    if (talk.from == null) {
      talks.remove(talk);
      return 0;
    }
    talk.phase = "answered";
    talk.to = null;
    talk.result = result;
    talk.said = said;
    return 0;
  }

  /** The talk whose answer this one may have, answered or not. */
  Talk asked(One from, long buffer) {
    Talk talk = of(buffer);
    return talk != null && talk.from == from ? talk : null;
  }

  private Talk of(long buffer) {
    return talks.stream().filter(each -> each.buffer == buffer).findFirst().orElse(null);
  }

  long create(One parent, long name, long page, long pages, int buffers) {
    if (all.containsKey(name)) {
      return Nucleus.BAD_NAME;
    }
    long first = parent.first + page;
    if (page < 0
        || pages < 1
        || page + pages > parent.pages
        || children(parent).stream()
            .anyMatch(each -> first < each.first + each.pages && each.first < first + pages)) {
      return Nucleus.BAD_STORAGE;
    }
    if (buffers > left(parent)) {
      return Nucleus.NO_BUFFER;
    }
    if (all.size() >= most) {
      return Nucleus.TOO_MANY;
    }
    all.put(name, new One(name, parent, first, pages, buffers));
    return 0;
  }

  boolean remove(One parent, long name) {
    One top = all.get(name);
    if (top == null || top.parent != parent) {
      return false;
    }
    Set<One> gone = new HashSet<>(Set.of(top));
    for (One each : all.values()) { // children come after their parents
      if (gone.contains(each.parent)) {
        gone.add(each);
      }
    }
    all.values().removeAll(gone);
    for (Iterator<Talk> i = talks.iterator(); i.hasNext(); ) {
      Talk talk = i.next();
      boolean fromIsGone = talk.from == null || gone.contains(talk.from);
      boolean toIsGone = talk.to == null || gone.contains(talk.to);
      if (fromIsGone && (toIsGone || !talk.phase.equals("received"))) {
        i.remove();
      } else if (fromIsGone) {
        talk.from = null;
        talk.payer = gone.contains(talk.payer) ? parent : talk.payer;
      } else if (gone.contains(talk.to)) {
        dummy(talk);
      }
    }
    return true;
  }
}
