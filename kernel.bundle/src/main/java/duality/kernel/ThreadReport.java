package duality.kernel;

/**
 * A thread's figures.
 *
 * @param id its number
 * @param name its name
 * @param state see {@link KernelThread#state}
 * @param processor where it runs or ran last, -1 when it never ran
 * @param weight its share
 * @param cpuNanos processor time used
 * @param instructions instructions retired
 * @param picks how often a scheduler picked it
 * @param exits how often it left the engine
 * @param calls exits that were calls or exceptions handed to its handler
 * @param faults exits that were page faults
 * @param mmio exits that were loads and stores of devices
 */
public record ThreadReport(
    int id,
    String name,
    String state,
    int processor,
    int weight,
    long cpuNanos,
    long instructions,
    long picks,
    long exits,
    long calls,
    long faults,
    long mmio) {}
