package duality.vmm;

/**
 * Whether a machine stands still, and why.
 *
 * @param state as {@link MachineReport#state}
 * @param number how often it has met a {@link StopPoint} so far
 * @param hart which hart met the last one; 0 when none did
 * @param why {@code breakpoint} or {@code watchpoint}, when it stands there since; else empty
 * @param address of the instruction, or of the access
 */
public record Stop(String state, long number, int hart, String why, long address) {}
