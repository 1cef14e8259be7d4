package duality.virtio.blk;

import duality.drivers.Store;
import duality.kernel.Context;
import duality.kernel.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The requests between their start and their end: parts that the store works on, by tag, and parts
 * that it had no place for yet. Not thread-safe.
 */
final class InFlight {
  /** Prefix of the slots in which a successor finds the memory of requests. */
  private static final String SLOT = "in-flight-";

  private static final int GENERATION_SHIFT = 16;

  private final Store store;

  /**
   * Where tags begin: another place in each instance, so that what the store says of requests of
   * one that has failed is about none of ours.
   */
  private int nextTag = ThreadLocalRandom.current().nextInt(1, 1 << 14) << GENERATION_SHIFT;

  private final Map<Integer, Request.Part> byTag = new LinkedHashMap<>();
  private final Deque<Integer> freeTags = new ArrayDeque<>();
  private final Deque<Request.Part> waiting = new ArrayDeque<>();
  private final Set<Request> requests = new LinkedHashSet<>();
  private final BitSet heads = new BitSet();

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
    requests.add(request);
    heads.set(request.head);
    waiting.addAll(parts);
    submitWaiting();
  }

  /** Hands the store what it has place for now. */
  void submitWaiting() {
    while (!waiting.isEmpty()) {
      Request.Part part = waiting.element();
      int tag = freeTags.isEmpty() ? nextTag : freeTags.element();
      if (!store.submit(tag, part.operation(), part.offset(), part.grant(), 0, part.length())) {
        return;
      }
      waiting.remove();
      if (tag == nextTag) {
        nextTag++;
      } else {
        freeTags.remove();
      }
      byTag.put(tag, part);
    }
  }

  /**
   * The next request of which all parts have finished, or null. Its memory is the caller's again.
   */
  @Nullable Request finished() {
    for (long answer; (answer = store.finished()) != Store.NONE; ) {
      if (answer == Store.RESTARTED) {
        submitAgain();
        continue;
      }
      int tag = (int) (answer >> 8);
      Request.Part part = byTag.remove(tag);
      if (part == null) {
        continue; // of an instance that failed
      }
      freeTags.add(tag);
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
    freeTags.addAll(byTag.keySet());
    byTag.clear();
    submitWaiting();
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
    return State.of("virtio.blk.flight", 1)
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
    saved.expect("virtio.blk.flight", 1);
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
    return new Request.Part(
        request,
        (int) saved.number("operation", Store.READ, Store.FLUSH),
        saved.number("offset", 0, Long.MAX_VALUE),
        request.memory((int) saved.number("stretch", -1, Integer.MAX_VALUE)),
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
    requests.forEach(Request::abandon);
    heads.clear();
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
