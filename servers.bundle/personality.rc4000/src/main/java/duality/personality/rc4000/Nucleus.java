package duality.personality.rc4000;

import duality.personality.rc4000.InternalProcess.Waiting;
import duality.personality.rc4000.MessageBuffer.Stage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The nucleus of [BH70]: four calls by which processes talk, and four by which a parent governs its
 * children. It knows nothing of policy, devices or the core: who runs processes is told by {@link
 * Runs} what may go on.
 *
 * <p>The pool has a fixed number of buffers, all of them the first process's quota at the start. A
 * parent gives a child a part of its own quota and takes it back when it removes the child. A
 * buffer counts against the sender's quota from {@link #send} until {@link #awaitAnswer} returns
 * it. So no process can starve another that is not below it, and at each moment the quotas of all
 * processes and the buffers in use add up to the pool.
 *
 * <p>When a process is removed, all below it are first. Messages that it owes an answer get a
 * <em>dummy answer</em>. What it had sent and nobody has received yet is withdrawn. What somebody
 * has received is answered to nobody: that buffer counts against the parent until then.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link NucleusTask}.
 */
final class Nucleus {
  /** Words in a message and in an answer. */
  static final int WORDS = 8;

  /** Result of an answer that the nucleus gave, because there is no such process (any more). */
  static final long DUMMY = 0;

  /** The most that a process may give as result. */
  static final long MOST_RESULT = 255;

  // What a call answers when it was in vain.
  /** No child of that name, or no buffer of that number in that condition. */
  static final long UNKNOWN = -1;

  /** The quota of buffers is used up, or is less than what a child shall have. */
  static final long NO_BUFFER = -2;

  /** The name is taken, or none. */
  static final long BAD_NAME = -3;

  /** The storage is not the caller's own, or another child has a part of it. */
  static final long BAD_STORAGE = -4;

  /** There are as many processes as there may be. */
  static final long TOO_MANY = -5;

  /** A value is out of its range. */
  static final long BAD_VALUE = -6;

  /** Who runs processes. */
  interface Runs {
    /** It may go on now, or must not: look at it again. */
    void changed(InternalProcess process);

    /** It is no more. */
    void removed(InternalProcess process);
  }

  /** A device or service that is addressed as a process is [BH70, external processes]. */
  interface External {
    /** Takes a message; to be answered now or later by {@link Nucleus#answerOf}. */
    void receive(MessageBuffer message, InternalProcess sender);

    /** A message that it has not answered is withdrawn. */
    default void withdrawn(MessageBuffer message) {}
  }

  private final Runs runs;
  private final int mostProcesses;
  private final List<MessageBuffer> buffers = new ArrayList<>();
  private final Deque<MessageBuffer> pool = new ArrayDeque<>();
  private final Map<Long, InternalProcess> processes = new LinkedHashMap<>();
  private final Map<Long, External> externals = new HashMap<>();
  private final InternalProcess first;

  /**
   * A nucleus with one process, which is stopped.
   *
   * @param pages its storage
   * @param bufferCount the pool, at least 1
   */
  Nucleus(Runs runs, String firstName, long pages, int bufferCount, int mostProcesses) {
    this.runs = runs;
    this.mostProcesses = mostProcesses;
    for (int i = 1; i <= bufferCount; i++) {
      MessageBuffer buffer = new MessageBuffer(i);
      buffers.add(buffer);
      pool.add(buffer);
    }
    first = new InternalProcess(Names.word(firstName), null, 0, pages, bufferCount);
    processes.put(first.name, first);
  }

  /** The first process, ancestor of all others. */
  InternalProcess first() {
    return first;
  }

  /** All processes, the first one first, parents before their children. */
  Collection<InternalProcess> processes() {
    return processes.values();
  }

  /** All buffers, by number. */
  List<MessageBuffer> buffers() {
    return buffers;
  }

  /** Buffers in the pool, in the order in which they will be taken. */
  Collection<MessageBuffer> pool() {
    return pool;
  }

  /** The process of that name. */
  @Nullable InternalProcess process(long name) {
    return processes.get(name);
  }

  /** From now on messages to that name go there. */
  void external(String name, External external) {
    externals.put(Names.word(name), external);
  }

  // ---- the four calls of communication ----

  /**
   * Send message: copies a message into a buffer and puts it into the receiver's queue. The sender
   * goes on. To a name that nobody has, the nucleus answers at once.
   *
   * @return the buffer's number, or {@link #NO_BUFFER}
   */
  long send(InternalProcess sender, long receiverName, long[] message) {
    if (sender.quota == 0) {
      return NO_BUFFER;
    }
    MessageBuffer buffer = pool.remove(); // there is one: quotas and buffers in use are the pool
    sender.quota--;
    buffer.sender = sender;
    buffer.charged = sender;
    System.arraycopy(message, 0, buffer.words, 0, WORDS);
    InternalProcess receiver = processes.get(receiverName);
    External external = externals.get(receiverName);
    if (receiver != null) {
      buffer.stage = Stage.SENT;
      buffer.receiver = receiver;
      receiver.queue.add(buffer);
      if (receiver.waiting == Waiting.MESSAGE) {
        runs.changed(receiver);
      }
    } else if (external != null) {
      buffer.stage = Stage.RECEIVED;
      external.receive(buffer, sender);
    } else {
      dummy(buffer);
    }
    return buffer.number;
  }

  /**
   * Wait message: takes the first message of the caller's queue.
   *
   * @return it, to be answered; nothing when there is none, and then the caller waits for one
   */
  @Nullable MessageBuffer awaitMessage(InternalProcess receiver) {
    MessageBuffer buffer = receiver.queue.poll();
    receiver.waiting = buffer == null ? Waiting.MESSAGE : Waiting.NOTHING;
    if (buffer != null) {
      buffer.stage = Stage.RECEIVED;
    }
    return buffer;
  }

  /**
   * Send answer: the buffer of a received message goes back to its sender with an answer.
   *
   * @param result 1 to {@link #MOST_RESULT}, what the sender gets as result
   * @return 0, {@link #UNKNOWN} when the caller owes no answer in that buffer, or {@link
   *     #BAD_VALUE}
   */
  long answer(InternalProcess receiver, long number, long result, long[] answer) {
    MessageBuffer buffer = buffer(number);
    if (buffer == null || buffer.stage != Stage.RECEIVED || buffer.receiver != receiver) {
      return UNKNOWN;
    }
    if (result <= DUMMY || result > MOST_RESULT) {
      return BAD_VALUE;
    }
    answerOf(buffer, result, answer);
    return 0;
  }

  /** The answer of an external process, or of one whose right to it was checked. */
  void answerOf(MessageBuffer buffer, long result, long[] answer) {
    InternalProcess sender = buffer.sender;
    if (sender == null) {
      free(buffer);
      return;
    }
    buffer.stage = Stage.ANSWERED;
    buffer.receiver = null;
    buffer.result = result;
    System.arraycopy(answer, 0, buffer.words, 0, WORDS);
    if (sender.waiting == Waiting.ANSWER && sender.awaited == buffer.number) {
      runs.changed(sender);
    }
  }

  /**
   * Wait answer: copies an answer out of its buffer, which goes back to the pool.
   *
   * @param answer where it is copied to
   * @return its result; {@link #UNKNOWN} when the caller expects no answer in that buffer; {@link
   *     #BLOCKED} when it waits
   */
  long awaitAnswer(InternalProcess sender, long number, long[] answer) {
    sender.waiting = Waiting.NOTHING;
    MessageBuffer buffer = buffer(number);
    if (buffer == null || buffer.sender != sender) {
      return UNKNOWN;
    }
    if (buffer.stage != Stage.ANSWERED) {
      sender.waiting = Waiting.ANSWER;
      sender.awaited = buffer.number;
      return BLOCKED;
    }
    System.arraycopy(buffer.words, 0, answer, 0, WORDS);
    long result = buffer.result;
    free(buffer);
    return result;
  }

  /** {@link #awaitAnswer}: there is no answer yet. */
  static final long BLOCKED = Long.MIN_VALUE;

  // ---- the four calls of control ----

  /**
   * Create process: a child in a part of the caller's storage, with a part of its buffers, stopped.
   *
   * @param page first page of its storage, counted in the caller's
   * @param bufferCount of the caller's quota
   * @return 0 or why not
   */
  long create(InternalProcess parent, long name, long page, long pages, long bufferCount) {
    if (!Names.isName(name) || processes.containsKey(name) || externals.containsKey(name)) {
      return BAD_NAME;
    }
    if (page < 0 || pages < 1 || pages > parent.pages || page > parent.pages - pages) {
      return BAD_STORAGE;
    }
    long at = parent.firstPage + page;
    for (InternalProcess each : parent.children) {
      if (at < each.firstPage + each.pages && each.firstPage < at + pages) {
        return BAD_STORAGE;
      }
    }
    if (bufferCount < 0 || bufferCount > parent.quota) {
      return NO_BUFFER;
    }
    if (processes.size() >= mostProcesses) {
      return TOO_MANY;
    }
    InternalProcess child = new InternalProcess(name, parent, at, pages, (int) bufferCount);
    parent.quota -= (int) bufferCount;
    parent.children.add(child);
    processes.put(name, child);
    return 0;
  }

  /** A child of the caller. */
  @Nullable InternalProcess child(InternalProcess parent, long name) {
    InternalProcess child = processes.get(name);
    return child != null && child.parent == parent ? child : null;
  }

  /** Start process: a child goes on, and those below it that were not stopped themselves. */
  long start(InternalProcess parent, long name) {
    return setStopped(parent, name, false);
  }

  /** Stop process: a child and all below it rest where they are, until it is started. */
  long stop(InternalProcess parent, long name) {
    return setStopped(parent, name, true);
  }

  private long setStopped(InternalProcess parent, long name, boolean stopped) {
    InternalProcess child = child(parent, name);
    if (child == null) {
      return UNKNOWN;
    }
    if (child.stopped != stopped) {
      child.stopped = stopped;
      changedBelow(child);
    }
    return 0;
  }

  private void changedBelow(InternalProcess process) {
    runs.changed(process);
    process.children.forEach(this::changedBelow);
  }

  /**
   * Remove process: ends a child and all below it; storage and buffers are the caller's again.
   *
   * @return 0, or {@link #UNKNOWN}
   */
  long remove(InternalProcess parent, long name) {
    InternalProcess child = child(parent, name);
    if (child == null) {
      return UNKNOWN;
    }
    remove(child, parent);
    return 0;
  }

  private void remove(InternalProcess process, InternalProcess parent) {
    for (InternalProcess each : List.copyOf(process.children)) {
      remove(each, process);
    }
    processes.remove(process.name);
    parent.children.remove(process);
    process.removed = true;
    process.waiting = Waiting.NOTHING;
    for (MessageBuffer buffer : buffers) {
      settle(buffer, process, parent);
    }
    parent.quota += process.quota;
    process.quota = 0;
    process.queue.clear();
    runs.removed(process);
  }

  /** What becomes of a buffer when a process is removed. */
  private void settle(MessageBuffer buffer, InternalProcess process, InternalProcess parent) {
    if (buffer.sender == process) {
      InternalProcess receiver = buffer.receiver;
      if (buffer.stage == Stage.RECEIVED && receiver != null && receiver != process) {
        buffer.sender = null; // its receiver may work on it; nobody will hear of it
      } else {
        if (buffer.stage == Stage.RECEIVED && receiver == null) {
          externals.values().forEach(each -> each.withdrawn(buffer));
        }
        if (receiver != null) {
          receiver.queue.remove(buffer);
        }
        free(buffer);
      }
    } else if (buffer.receiver == process) {
      if (buffer.sender == null) {
        free(buffer);
      } else {
        dummy(buffer);
      }
    }
    if (buffer.charged == process) {
      buffer.charged = parent;
    }
  }

  private void dummy(MessageBuffer buffer) {
    answerOf(buffer, DUMMY, new long[WORDS]);
  }

  private void free(MessageBuffer buffer) {
    if (buffer.charged != null) {
      buffer.charged.quota++;
    }
    buffer.stage = Stage.FREE;
    buffer.sender = null;
    buffer.receiver = null;
    buffer.charged = null;
    buffer.result = 0;
    Arrays.fill(buffer.words, 0);
    pool.add(buffer);
  }

  private @Nullable MessageBuffer buffer(long number) {
    return number >= 1 && number <= buffers.size() ? buffers.get((int) number - 1) : null;
  }

  // ---- a predecessor's books ----

  /** A process that was there before; its parent has been put already. */
  void put(InternalProcess process) {
    processes.put(process.name, process);
    if (process.parent != null) {
      process.parent.children.add(process);
    }
  }

  /** The buffers that are free, in the order in which they will be taken. */
  void pool(List<MessageBuffer> free) {
    pool.clear();
    pool.addAll(free);
  }

  // ---- exceptions ----

  /**
   * A process cannot go on: it is stopped, and its parent gets a message of its, if it has a buffer
   * left.
   */
  void fault(InternalProcess process, long[] message) {
    process.stopped = true;
    if (process.parent != null) {
      send(process, process.parent.name, message);
    }
    changedBelow(process);
  }

  /**
   * Compares the books with each other.
   *
   * @throws IllegalStateException when they do not agree; the message says where
   */
  void check() {
    long quotas = 0;
    for (InternalProcess each : processes.values()) {
      quotas += each.quota;
      for (MessageBuffer buffer : each.queue) {
        if (buffer.stage != Stage.SENT || buffer.receiver != each) {
          throw new IllegalStateException(buffer + " is in the queue of " + each);
        }
      }
    }
    long used = buffers.stream().filter(each -> each.stage != Stage.FREE).count();
    if (used + pool.size() != buffers.size() || used + quotas != buffers.size()) {
      throw new IllegalStateException(
          "of "
              + buffers.size()
              + " buffers "
              + used
              + " are in use, "
              + pool.size()
              + " in the pool, and quotas hold "
              + quotas);
    }
  }
}
