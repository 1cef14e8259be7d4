package duality.vmm;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Lets a debugger in another process attach to a machine, by the GDB remote serial protocol over a
 * TCP port of the loopback interface: endpoint {@code gdb/NAME}. One debugger at a time; the
 * machine pauses when it attaches, and goes on as before when it detaches or its connection ends.
 *
 * <p>Configuration keys: {@code port} (0 to 65,535; 0 for any that is free).
 *
 * <p><em>Concurrency:</em> any thread. <em>After a swap:</em> port and connection stay.
 */
@ConsumerType
@Protocol(rank = GdbStub.RANK, deadlineMillis = 60_000)
public interface GdbStub {
  /** Above machines. */
  int RANK = Protocol.MACHINE + 10;

  /**
   * From now on debuggers that connect are shown that machine. To be called once.
   *
   * @return the port
   */
  int serve(VirtualMachine machine);

  /** What it is doing. */
  @Idempotent
  Report report();

  /**
   * What a stub is doing.
   *
   * @param port of the loopback interface
   * @param attached whether a debugger is there
   * @param packets that were answered
   */
  record Report(int port, boolean attached, long packets) {}
}
