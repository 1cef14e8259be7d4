package duality.personality.rc4000;

import org.jspecify.annotations.Nullable;

/**
 * One of the pool's buffers: a message on its way, then its answer on the way back.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link NucleusTask}.
 */
final class MessageBuffer {
  /** Where a buffer is in its conversation. */
  enum Stage {
    /** In the pool. */
    FREE,
    /** In the queue of its receiver. */
    SENT,
    /** Taken by its receiver, who owes an answer. */
    RECEIVED,
    /** Holds the answer, for its sender. */
    ANSWERED
  }

  /** Its name, from 1 on. */
  final int number;

  Stage stage = Stage.FREE;

  /** Who waits, or may wait, for the answer; nobody when it is free, or that process is removed. */
  @Nullable InternalProcess sender;

  /** Who is to answer; nobody when it is answered, or with an external process. */
  @Nullable InternalProcess receiver;

  /** Of whose quota it is, while it is not free: its sender, or the next ancestor that is left. */
  @Nullable InternalProcess charged;

  /** What the answerer said of it; {@link Nucleus#DUMMY} when it was the nucleus. */
  long result;

  /** The message, then the answer. */
  final long[] words = new long[Nucleus.WORDS];

  MessageBuffer(int number) {
    this.number = number;
  }

  @Override
  public String toString() {
    return "buffer " + number + " " + stage + " from " + sender + " to " + receiver;
  }
}
