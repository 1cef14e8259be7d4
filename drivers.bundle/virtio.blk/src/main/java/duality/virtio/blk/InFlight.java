package duality.virtio.blk;

import duality.drivers.Store;
import duality.kernel.Context;
import duality.kernel.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The requests between their start and their end: parts that the store works on, by tag, and parts
 * that it had no place for yet. Not thread-safe.
 */
final class InFlight {
  /** Prefix of the slots in which a successor finds the memory of requests. */
  private static final String SLOT = "in-flight-";

  // A tag: which series, which request, which part of it.
  private static final int POSITION_SHIFT = 9;
  private static final int SERIES_SHIFT = 25;
  private static final int SERIES = 1 << 6;
  private static final int MOST_PARTS = 1 << POSITION_SHIFT;

  /** Answers in a row about nothing in flight; a predecessor may have left some. */
  private static final int MOST_VAIN_ANSWERS = 1 << 12;

  private final Store store;

  /**
   * Tags say which request of the driver they are about. So a request that a successor finds again
   * in the rings has the tags that it had: what the store still works on is not begun once more
   * beside it. Another series begins when the driver begins anew.
   */
  private volatile int series = ThreadLocalRandom.current().nextInt(SERIES);

  /** An answer that was fetched by {@link #fetchEarly}. */
  private long early = Store.NONE;

  /** Answers since the last one about something in flight. */
  private int vainAnswers;

  /** The store may have requests of this series that are not known here. */
  private boolean strangers;

  private final Map<Integer, Request.Part> byTag = new LinkedHashMap<>();
  private final Deque<Request.Part> waiting = new ArrayDeque<>();
  private final Set<Request> requests = new LinkedHashSet<>();
  private final BitSet heads = new BitSet();

  /** Requests of a predecessor that begin once more, for the memory that they hold. */
  private final Map<Integer, Request> broken = new HashMap<>();

  InFlight(Store store) {
    this.store = store;
  }

  boolean isEmpty() {
    return requests.isEmpty();
  }

  /** Whether the store is full: nothing more is started before something has finished. */
  boolean full() {
    return !waiting.isEmpty();
  }

  /** Whether a request that is still of interest has this head. */
  boolean hasHead(int head) {
    return heads.get(head);
  }

  /** Takes charge of a request and its memory. */
  void start(Request request, List<Request.Part> parts) {
    Request before = broken.remove(request.head);
    if (before != null) {
      request.replaces(before);
    }
    requests.add(request);
    heads.set(request.head);
    waiting.addAll(parts);
    submitWaiting();
  }

  /** Hands the store what it has place for now. */
  void submitWaiting() {
    while (!waiting.isEmpty()) {
      Request.Part part = waiting.element();
      int tag = tag(part);
      if (byTag.containsKey(tag) || !submit(tag, part)) {
        return;
      }
      waiting.remove();
      byTag.put(tag, part);
    }
  }

  private int tag(Request.Part part) {
    return series << SERIES_SHIFT
        | (part.request().position & 0xffff) << POSITION_SHIFT
        | part.index() & MOST_PARTS - 1;
  }

  private boolean submit(int tag, Request.Part part) {
    return store.submit(tag, part.operation(), part.offset(), part.grant(), 0, part.length());
  }

  /** Of the requests at the store, the tag of the one that is there longest, or -1. */
  int oldestTag() {
    return byTag.isEmpty() ? -1 : byTag.keySet().iterator().next();
  }

  /**
   * Looks whether what is here fits together.
   *
   * @throws IllegalStateException when it does not
   */
  void check() {
    Map<Request, Integer> parts = new HashMap<>();
    all().forEach(part -> parts.merge(part.request(), 1, Integer::sum));
    for (Request request : requests) {
      if (parts.getOrDefault(request, 0) != request.outstanding()) {
        throw new IllegalStateException(
            "request " + request.head + " waits for what is not on the way");
      }
    }
  }

  private long nextAnswer() {
    long answer = early;
    early = Store.NONE;
    return answer != Store.NONE ? answer : store.finished();
  }

  /**
   * Fetches an answer of the store's for the next round.
   *
   * @return whether one that was fetched so before is still there
   */
  boolean fetchEarly() {
    if (early != Store.NONE) {
      return true;
    }
    early = store.finished();
    return false;
  }

  /** How many requests somebody waits for. */
  int awaited() {
    return heads.cardinality();
  }

  /** Has the store take what it does not know of; what it does know is the same request to it. */
  void remind() {
    for (Map.Entry<Integer, Request.Part> each : byTag.entrySet()) {
      if (!submit(each.getKey(), each.getValue())) {
        return;
      }
    }
  }

  /**
   * After a restart: goes on with those requests of which all is here, and forgets the others.
   *
   * @param outstanding the heads for which the driver waits
   * @return the heads of those that go on
   */
  BitSet resume(BitSet outstanding) {
    for (Request request : List.copyOf(requests)) {
      long parts = all().filter(part -> part.request() == request).count();
      boolean whole = parts > 0 && parts == request.outstanding();
      if (!request.abandoned() && !(whole && outstanding.get(request.head))) {
        byTag.values().removeIf(part -> part.request() == request);
        waiting.removeIf(part -> part.request() == request);
        forget(request);
        if (outstanding.get(request.head)) {
          broken.put(request.head, request);
        } else {
          request.close(); // it had ended
        }
      }
    }
    BitSet inFlight = new BitSet();
    inFlight.or(heads);
    return inFlight;
  }

  private Stream<Request.Part> all() {
    return Stream.concat(byTag.values().stream(), waiting.stream());
  }

  /**
   * The next request of which all parts have finished, or null. Its memory is the caller's again.
   */
  @Nullable Request finished() {
    for (long answer; (answer = nextAnswer()) != Store.NONE; ) {
      if (++vainAnswers > MOST_VAIN_ANSWERS) {
        throw new IllegalStateException(vainAnswers + " answers were about nothing in flight");
      }
      if (answer == Store.RESTARTED) {
        submitAgain();
        continue;
      }
      int tag = (int) (answer >> 8);
      Request.Part part = byTag.remove(tag);
      if (part == null) {
        continue; // of an instance that failed
      }
      vainAnswers = 0;
      if (part.request().finished((int) answer & 0xff)) {
        forget(part.request());
        return part.request();
      }
    }
    return null;
  }

  /** The store has lost all that it had: it gets everything once more. */
  private void submitAgain() {
    List<Request.Part> lost = new ArrayList<>(byTag.values());
    // What nobody waits for any more must not be written over what came later.
    lost.removeIf(
        part -> {
          if (!part.request().abandoned()) {
            return false;
          }
          if (part.request().finished(Store.FAILED)) {
            forget(part.request());
            part.request().close();
          }
          return true;
        });
    lost.reversed().forEach(waiting::addFirst);
    byTag.clear();
    submitWaiting();
  }

  /** What a successor needs to know the requests by their tags. */
  State checkpoint() {
    return State.of("virtio.blk.series", 1).with("series", series);
  }

  /** Goes on with the tags of a predecessor of which nothing else is known. */
  void restoreSeries(State saved) {
    saved.expect("virtio.blk.series", 1);
    series = (int) saved.number("series", 0, SERIES - 1);
    strangers = true;
  }

  /** Flattens all of it; the memory stays in slots of the endpoint. */
  State save(Context context) {
    List<Request> order = List.copyOf(requests);
    List<State> saved = new ArrayList<>();
    for (Request request : order) {
      saved.add(request.save(context, slot(saved.size())));
    }
    List<State> parts = new ArrayList<>();
    byTag.forEach((tag, part) -> parts.add(state(order, part).with("tag", tag)));
    for (int i = order.size(); Request.drop(context, slot(i), -1); i++) {
      // What an earlier save kept, when more was in flight.
    }
    return State.of("virtio.blk.flight", 2)
        .with("series", series)
        .with("requests", saved)
        .with("atStore", parts)
        .with("waiting", waiting.stream().map(part -> state(order, part)).toList());
  }

  private static String slot(int request) {
    return SLOT + request + "-";
  }

  private static State state(List<Request> order, Request.Part part) {
    return State.of("part", 1)
        .with("request", order.indexOf(part.request()))
        .with("operation", part.operation())
        .with("offset", part.offset())
        .with("stretch", part.request().stretch(part))
        .with("length", part.length());
  }

  /**
   * Goes on where a predecessor stopped; nothing is in flight yet here.
   *
   * @throws State.Refused when the state makes no sense
   */
  void restore(Context context, State saved) {
    if (saved.expect("virtio.blk.flight", 2) > 1) {
      series = (int) saved.number("series", 0, SERIES - 1);
    }
    List<Request> order = new ArrayList<>();
    for (State each : saved.states("requests")) {
      Request request = Request.restore(context, slot(order.size()), each);
      order.add(request);
      requests.add(request);
      if (!request.abandoned()) {
        heads.set(request.head);
      }
    }
    for (State each : saved.states("atStore")) {
      byTag.put((int) each.number("tag", 0, Integer.MAX_VALUE), part(order, each));
    }
    saved.states("waiting").forEach(each -> waiting.add(part(order, each)));
  }

  private static Request.Part part(List<Request> order, State saved) {
    saved.expect("part", 1);
    Request request = order.get((int) saved.number("request", 0, order.size() - 1));
    int stretch = (int) saved.number("stretch", -1, Integer.MAX_VALUE);
    return new Request.Part(
        request,
        Math.max(stretch, 0),
        (int) saved.number("operation", Store.READ, Store.FLUSH),
        saved.number("offset", 0, Long.MAX_VALUE),
        request.memory(stretch),
        saved.number("length", 0, Long.MAX_VALUE));
  }

  /** The device was reset: parts not yet begun are dropped, the others end unheard. */
  void abandon() {
    for (Request.Part part; (part = waiting.poll()) != null; ) {
      if (part.request().finished(Store.FAILED)) {
        forget(part.request());
        part.request().close();
      }
    }
    if (strangers || !requests.isEmpty()) {
      series = series + 1 & SERIES - 1;
      strangers = false;
    }
    requests.forEach(Request::abandon);
    heads.clear();
    broken.values().forEach(Request::close);
    broken.clear();
  }

  /**
   * The store is given up: answers the requests that somebody waits for. They are abandoned; the
   * memory of those at the store stays lent, because it may still be at work on it.
   */
  List<Request> fail() {
    List<Request> failed = requests.stream().filter(each -> !each.abandoned()).toList();
    failed.forEach(each -> each.writeStatus(Request.STATUS_ERROR));
    abandon();
    return failed;
  }

  private void forget(Request request) {
    requests.remove(request);
    if (!request.abandoned()) {
      heads.clear(request.head);
    }
  }
}
