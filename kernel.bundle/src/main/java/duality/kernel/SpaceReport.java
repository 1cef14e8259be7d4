package duality.kernel;

/**
 * A space's figures.
 *
 * @param id its number
 * @param name its name
 * @param regionPages pages in its regions
 * @param mappedPages pages that are mapped
 * @param faults missing pages asked of its pagers
 * @param refused faults that a pager refused
 * @param grants grants open now
 */
public record SpaceReport(
    int id,
    String name,
    long regionPages,
    long mappedPages,
    long faults,
    long refused,
    int grants) {}
