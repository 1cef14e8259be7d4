package duality.personality.linux;

import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The block device /dev/vda over a store. A process has one request at a time, of at most a page,
 * and waits until the store has finished it.
 */
final class Disk {
  /** Gets the store, for those that have one. */
  interface Port {
    Store store();
  }

  private static final int SECTOR = 512;

  /** Slots of the endpoint in which a successor finds the memory of requests in flight. */
  private static final String SLOT = "request";

  private final Linux linux;
  private final @Nullable Port port;

  /**
   * The store, once it was needed. Kept, because a capability that is asked for anew each time and
   * dropped is nowhere to be seen between two requests: the program would need the store, and the
   * graph would not say so.
   */
  private @Nullable Store held;

  /** Requests by tag. */
  private final TreeMap<Integer, Request> requests = new TreeMap<>();

  private int lastTag;

  private static final class Request {
    final int pid;
    final boolean write;
    final long offset;
    final int length;
    final int page;
    @Nullable Grant grant;
    int status = -1;

    /** Its process is no more. */
    boolean abandoned;

    Request(int pid, boolean write, long offset, int length, int page) {
      this.pid = pid;
      this.write = write;
      this.offset = offset;
      this.length = length;
      this.page = page;
    }
  }

  Disk(Linux linux, @Nullable Port port) {
    this.linux = linux;
    this.port = port;
  }

  /** Takes the store now, and not with the first request. No effect when there is none. */
  void hold() {
    if (port != null && held == null) {
      held = port.store();
    }
  }

  private @Nullable Store store() {
    hold();
    return held;
  }

  /** Its size in bytes; 0 when there is none. */
  long sizeBytes() {
    Store store = store();
    return store == null ? 0 : store.sizeBytes();
  }

  /**
   * Reads or writes; the caller waits.
   *
   * @return bytes, at most a page, or {@link SystemCalls#BLOCKED}
   * @throws Failed EINVAL when offset or length are not those of sectors of 512 bytes
   */
  long transfer(Process caller, boolean write, long offset, byte[] bytes, int length)
      throws Failed {
    for (var each : requests.entrySet()) {
      Request request = each.getValue();
      if (request.pid == caller.pid && !request.abandoned) {
        return request.status < 0 ? SystemCalls.BLOCKED : finish(each.getKey(), request, bytes);
      }
    }
    long size = sizeBytes();
    if (size == 0) {
      throw new Failed(Errno.ENXIO);
    }
    if (length == 0 || offset >= size) {
      if (length > 0 && write) {
        throw new Failed(Errno.ENOSPC);
      }
      return 0;
    }
    int count = (int) Math.min(Math.min(length, MainMemory.PAGE), size - offset);
    if (offset < 0 || offset % SECTOR != 0 || count % SECTOR != 0) {
      throw new Failed(Errno.EINVAL);
    }
    int page = linux.memory().allocate();
    if (page < 0) {
      throw new Failed(Errno.ENOMEM);
    }
    if (write) {
      linux.memory().write(page, 0, bytes, 0, count);
    }
    do {
      lastTag = lastTag + 1 & 0xffff;
    } while (requests.containsKey(lastTag));
    Request made = new Request(caller.pid, write, offset, count, page);
    requests.put(lastTag, made);
    submit(lastTag, made);
    return SystemCalls.BLOCKED;
  }

  private void submit(int tag, Request request) {
    Store store = store();
    if (store == null) {
      return;
    }
    Grant grant = request.grant;
    if (grant == null) {
      grant =
          linux
              .memory()
              .space()
              .grant(
                  (long) request.page * MainMemory.PAGE,
                  request.length,
                  request.write ? Memory.READ : Memory.WRITE);
      request.grant = grant;
    }
    try {
      store.submit(
          tag, request.write ? Store.WRITE : Store.READ, request.offset, grant, 0, request.length);
      // One that is not taken now is submitted again when another one is finished.
    } catch (CallFailed e) {
      linux.log("the disk's store does not take a request: " + e.getMessage());
      request.status = Store.FAILED;
    }
  }

  private long finish(int tag, Request request, byte[] into) throws Failed {
    requests.remove(tag);
    long answer = request.length;
    if (request.status == Store.OK && !request.write) {
      linux.memory().read(request.page, 0, into, 0, request.length);
    }
    linux.memory().disown(request.page);
    if (request.status != Store.OK) {
      throw new Failed(request.status == Store.REFUSED ? Errno.EROFS : Errno.EIO);
    }
    return answer;
  }

  /** The store has said that something is finished, or is a new one. */
  void finished() {
    Store store = store();
    if (store == null) {
      return;
    }
    for (long next = store.finished(); next != Store.NONE; next = store.finished()) {
      Request request = next < 0 ? null : requests.get((int) (next >> 8));
      if (request != null && request.status < 0) {
        request.status = (int) (next & 0xff);
        Grant grant = request.grant;
        if (grant != null) {
          grant.close();
          linux.context().drop(SLOT + (next >> 8));
        }
        if (request.abandoned) {
          requests.remove((int) (next >> 8));
          linux.memory().disown(request.page);
        }
      }
    }
    // What is in flight is taken for what it is by its tag; what was lost is done now.
    requests.forEach(
        (tag, request) -> {
          if (request.status < 0) {
            submit(tag, request);
          }
        });
    linux.wake(this);
  }

  /** A process is no more: nobody waits for its request. */
  void abandon(Process process) {
    requests
        .entrySet()
        .removeIf(
            each -> {
              Request request = each.getValue();
              if (request.pid != process.pid) {
                return false;
              }
              request.abandoned = true;
              if (request.status >= 0) {
                linux.memory().disown(request.page);
              }
              return request.status >= 0;
            });
  }

  State save() {
    List<State> list = new ArrayList<>();
    requests.forEach(
        (tag, each) -> {
          Grant grant = each.grant;
          if (grant != null && each.status < 0) {
            linux.context().keep(SLOT + tag, grant);
          }
          list.add(
              State.of("request", 1)
                  .with("tag", tag)
                  .with("pid", each.pid)
                  .with("write", each.write)
                  .with("offset", each.offset)
                  .with("length", each.length)
                  .with("page", each.page)
                  .with("status", each.status)
                  .with("abandoned", each.abandoned));
        });
    return State.of("disk", 1).with("lastTag", lastTag).with("requests", list);
  }

  void restore(State saved) {
    saved.expect("disk", 1);
    lastTag = (int) saved.number("lastTag", 0, 0xffff);
    for (State each : saved.states("requests")) {
      long page = each.number("page");
      if (!linux.memory().has(page)) {
        throw new State.Refused("disk: a request has page " + page + ", which is not there");
      }
      Request request =
          new Request(
              (int) each.number("pid", 1, Integer.MAX_VALUE),
              each.flag("write"),
              each.number("offset", 0, Long.MAX_VALUE),
              (int) each.number("length", 1, MainMemory.PAGE),
              (int) page);
      request.status = (int) each.number("status", -1, 255);
      request.abandoned = each.flag("abandoned");
      int tag = (int) each.number("tag", 0, 0xffff);
      if (request.status < 0 && linux.context().has(SLOT + tag)) {
        request.grant = linux.context().slot(SLOT + tag, Grant.class);
      }
      requests.put(tag, request);
    }
  }
}
