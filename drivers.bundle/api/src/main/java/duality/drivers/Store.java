package duality.drivers;

import duality.kernel.Grant;
import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A block store: {@code submit}, then a notification (slot {@link Slots#EVENTS}, bit 0) when
 * something is finished, then {@link #finished} until nothing is left. Requests may finish in any
 * order; a flush covers all writes that were finished when it was submitted.
 */
@ConsumerType
@Protocol(rank = Protocol.BACKEND, stallMillis = 2_000)
public interface Store {
  /** Operation: device to memory. */
  int READ = 0;

  /** Operation: memory to device. */
  int WRITE = 1;

  /** Operation: make finished writes durable; no data. */
  int FLUSH = 2;

  /** Status: done. */
  int OK = 0;

  /** Status: the host could not do it. */
  int FAILED = 1;

  /** Status: not this store's: outside of it, or a write to a read-only one. */
  int REFUSED = 2;

  /** Answer of {@link #finished}: nothing is finished. */
  long NONE = -1;

  /**
   * Answer of {@link #finished}: all requests in flight are lost, with all answers that were not
   * fetched; they are to be submitted again. Said once, and until then nothing is taken, by an
   * instance that could not go on where its predecessor stopped.
   */
  long RESTARTED = -2;

  /** Size in bytes. */
  @Idempotent
  long sizeBytes();

  /** Whether writes are refused. */
  @Idempotent
  boolean readOnly();

  /** An identity for the guest, at most 20 ASCII characters. */
  @Idempotent
  String identity();

  /**
   * Takes a request. The grant stays the caller's, to be closed after the request has finished.
   *
   * <p>A request with the tag of one that is in flight is that one: repeated after a failure it is
   * done once.
   *
   * @param tag the caller's number for it, 0 to 2^31 - 1, not in use by another request in flight
   * @param operation {@link #READ}, {@link #WRITE} or {@link #FLUSH}
   * @param offset in bytes into the store
   * @param grant memory to read into or write from; ignored by a flush
   * @param grantOffset in bytes into the grant
   * @param length in bytes
   * @return false when the store cannot take more now; try again after the next finished request
   */
  @Idempotent
  boolean submit(int tag, int operation, long offset, Grant grant, long grantOffset, long length);

  /**
   * The next finished request, as {@code tag << 8 | status}, or {@link #NONE}, or {@link
   * #RESTARTED}.
   */
  long finished();
}
