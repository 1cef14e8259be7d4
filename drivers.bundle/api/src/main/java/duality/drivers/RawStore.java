package duality.drivers;

import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A {@link Store} that another store stands on: the same calls, one rank lower, because calls only
 * go down. Who stands on it need not trust it: see {@code store.sealed}.
 */
@ConsumerType
@Protocol(rank = Protocol.BACKEND - 1, stallMillis = 2_000)
public interface RawStore extends Store {}
