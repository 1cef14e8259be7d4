package duality.vmm;

/**
 * Where a machine is to stop for its debugger: before an instruction is executed or bytes are
 * accessed at a virtual address, in whichever address space, mode and hart.
 *
 * @param access {@link duality.kernel.processor.Memory#EXECUTE}; or of READ and WRITE one or both
 * @param address the first byte
 * @param bytes how many, 1 to 4,096; for EXECUTE 1. A number of bytes, or a place, that is no power
 *     of two takes what is around it in as well
 */
public record StopPoint(int access, long address, int bytes) {}
