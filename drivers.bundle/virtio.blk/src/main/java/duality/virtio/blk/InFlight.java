package duality.virtio.blk;

import duality.drivers.Store;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The requests between their start and their end: parts that the store works on, by tag, and parts
 * that it had no place for yet. Not thread-safe.
 */
final class InFlight {
  private final Store store;
  private final List<Request.@Nullable Part> byTag = new ArrayList<>();
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
      int tag = freeTags.isEmpty() ? byTag.size() : freeTags.element();
      if (!store.submit(tag, part.operation(), part.offset(), part.grant(), 0, part.length())) {
        return;
      }
      waiting.remove();
      if (tag == byTag.size()) {
        byTag.add(part);
      } else {
        freeTags.remove();
        byTag.set(tag, part);
      }
    }
  }

  /**
   * The next request of which all parts have finished, or null. Its memory is the caller's again.
   */
  @Nullable Request finished() {
    for (long answer; (answer = store.finished()) != Store.NONE; ) {
      long tag = answer >> 8;
      Request.Part part = tag >= 0 && tag < byTag.size() ? byTag.get((int) tag) : null;
      if (part == null) {
        continue; // of an instance before this one
      }
      byTag.set((int) tag, null);
      freeTags.add((int) tag);
      if (part.request().finished((int) answer & 0xff)) {
        forget(part.request());
        return part.request();
      }
    }
    return null;
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

  private void forget(Request request) {
    requests.remove(request);
    if (!request.abandoned()) {
      heads.clear(request.head);
    }
  }
}
