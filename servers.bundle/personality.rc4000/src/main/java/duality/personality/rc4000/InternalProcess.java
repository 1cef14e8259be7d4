package duality.personality.rc4000;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A program in execution, as the nucleus knows it: its place in the hierarchy, the storage and the
 * buffers that its parent gave it, the messages it has not looked at, and what it waits for.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link NucleusTask}.
 */
final class InternalProcess {
  /** What a process waits for, if it does. */
  enum Waiting {
    NOTHING,
    MESSAGE,
    ANSWER
  }

  /** Its name, unique in the system; see {@link Names}. */
  final long name;

  /** Who made it; nobody for the first one. */
  final @Nullable InternalProcess parent;

  /** First page of its storage in the main memory, inside its parent's. */
  final long firstPage;

  /** Size of its storage in pages of 4,096 bytes. */
  final long pages;

  final List<InternalProcess> children = new ArrayList<>();

  /** Messages to it in the order in which they came. */
  final Deque<MessageBuffer> queue = new ArrayDeque<>();

  /** Buffers that it may still use. */
  int quota;

  /** Whether its parent has stopped it, or not started it yet. */
  boolean stopped = true;

  /** Whether it is no more. */
  boolean removed;

  Waiting waiting = Waiting.NOTHING;

  /** The buffer whose answer it waits for. */
  int awaited;

  InternalProcess(
      long name, @Nullable InternalProcess parent, long firstPage, long pages, int quota) {
    this.name = name;
    this.parent = parent;
    this.firstPage = firstPage;
    this.pages = pages;
    this.quota = quota;
  }

  /** Whether it may run: neither it nor an ancestor is stopped. */
  boolean isStarted() {
    for (InternalProcess each = this; each != null; each = each.parent) {
      if (each.stopped || each.removed) {
        return false;
      }
    }
    return true;
  }

  /** Whether it has to wait for a message or an answer. */
  boolean waits() {
    return waiting != Waiting.NOTHING;
  }

  @Override
  public String toString() {
    return Names.text(name);
  }
}
