package duality.weaver;

import duality.kernel.Protocol;

/** The protocol of a server that does what it is told, good or bad. */
@Protocol(rank = 60, deadlineMillis = 100)
public interface Deed {
  /** Does the deed of that name; see {@link Misbehaving}. */
  long run(String name);
}
