package duality.personality.linux;

import org.jspecify.annotations.Nullable;

/**
 * A run of pages of a process that have the same rights and come from the same place.
 *
 * @param first its first page
 * @param end the page behind its last one
 * @param rights bits of {@link duality.kernel.processor.Memory}
 * @param file what pages hold that were not touched yet; nothing: zeros
 * @param filePage page of the file at {@code first}
 * @param shared whether writes are seen by others who map the file, and by children
 */
record Area(
    long first, long end, int rights, @Nullable RegularFile file, long filePage, boolean shared) {
  long pages() {
    return end - first;
  }

  Area withRights(int others) {
    return new Area(first, end, others, file, filePage, shared);
  }

  /** The part of it between two pages. */
  Area part(long from, long to) {
    return new Area(from, to, rights, file, filePage + from - first, shared);
  }

  /** Whether {@code next} goes on where this ends, so that both can be one. */
  boolean joins(Area next) {
    return end == next.first
        && rights == next.rights
        && file == null
        && next.file == null
        && shared == next.shared;
  }

  /** Page of the file that belongs there. */
  long fileIndex(long page) {
    return filePage + page - first;
  }
}
