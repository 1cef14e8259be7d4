package duality.kernel;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A run of physical memory frames of 4 KiB. Root holds all of them when the system starts and hands
 * parts on.
 *
 * <p><em>Concurrency:</em> any thread.
 */
@ProviderType
public interface Frame {
  /** Number of the first frame. */
  long first();

  /** How many frames. */
  long count();

  /**
   * A capability to a part of the run, for {@code count} frames from {@code index} on.
   *
   * @throws CallFailed.BadRequest when the part is not inside the run
   */
  Frame part(long index, long count);

  /**
   * Takes back what was handed on of this run: no space maps any of it afterwards, capabilities to
   * parts of it are invalid, its content is zero and its host memory is given back.
   */
  @Needs(Rights.CONTROL)
  void reclaim(long index, long count);

  /** Copies one frame's content over another's of this run: for copy-on-write. */
  @Needs(Rights.CONTROL)
  void copy(long fromIndex, long toIndex);
}
