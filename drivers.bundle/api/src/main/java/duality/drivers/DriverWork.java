package duality.drivers;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * What the servers of a driver bundle have done, by endpoint: an OSGi service of that bundle,
 * beside its server. From the counts of work the processor time can be charged to the client that
 * caused it, as [CG05] charged a driver domain's by counted page exchanges. The service has the
 * driver's name as {@link duality.kernel.Server#NAME}, since each driver has prices of its own.
 *
 * <p><em>Concurrency:</em> any thread.
 */
@ConsumerType
public interface DriverWork {
  /**
   * Property of the service: {@code true} where the work is done on the thread of whoever calls (a
   * guest's, or that of a device that has one), so that this one's processor time has it already.
   */
  String ON_CALLER = "duality.work.on.caller";

  /** What was counted since the bundle was started, by endpoint, in no order. */
  List<Work> work();

  /**
   * Work for one endpoint, and so for the machine or program to which it belongs.
   *
   * @param endpoint its path, such as {@code vm/a/blk0}; what a network does for a card: the path
   *     of the network, a colon, and the card's address
   * @param descriptors of requests taken: buffers of virtqueue chains, requests to a store
   * @param copies times that data was moved
   * @param readBytes moved towards the client
   * @param writtenBytes moved from the client
   * @param notifications taken and given: kicks, interrupts, ends that were announced
   */
  record Work(
      String endpoint,
      long descriptors,
      long copies,
      long readBytes,
      long writtenBytes,
      long notifications) {
    /** This and another, under this one's name. */
    public Work plus(Work other) {
      return new Work(
          endpoint,
          descriptors + other.descriptors,
          copies + other.copies,
          readBytes + other.readBytes,
          writtenBytes + other.writtenBytes,
          notifications + other.notifications);
    }

    /** What is more here than at an earlier look; all of it when the counters began anew. */
    public Work since(Work before) {
      if (descriptors < before.descriptors || notifications < before.notifications) {
        return this;
      }
      return new Work(
          endpoint,
          descriptors - before.descriptors,
          copies - before.copies,
          readBytes - before.readBytes,
          writtenBytes - before.writtenBytes,
          notifications - before.notifications);
    }
  }
}
