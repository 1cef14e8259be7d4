package duality.store.sealed;

import duality.drivers.Store;
import duality.kernel.Grant;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;

/**
 * A request as it was submitted, see {@link Store#submit}.
 *
 * @param grant null for a flush, and when it is not there any more after a restart
 */
record Job(
    int tag, int operation, long offset, @Nullable Grant grant, long grantOffset, long length) {

  State save() {
    return State.of("request", 1)
        .with("tag", tag)
        .with("operation", operation)
        .with("offset", offset)
        .with("grantOffset", grantOffset)
        .with("length", length);
  }

  static Job restore(State saved, @Nullable Grant grant) {
    saved.expect("request", 1);
    return new Job(
        (int) saved.number("tag", 0, Integer.MAX_VALUE),
        (int) saved.number("operation", Store.READ, Store.FLUSH),
        saved.number("offset", 0, Long.MAX_VALUE),
        grant,
        saved.number("grantOffset", 0, Long.MAX_VALUE),
        saved.number("length", 0, Long.MAX_VALUE));
  }
}
