package duality.kernel.core;

import duality.kernel.Protocol;
import duality.kernel.TrapHandler;

/** What owns the threads of a test. */
@Protocol(rank = Protocol.MACHINE)
public interface ThreadOwner extends TrapHandler {}
