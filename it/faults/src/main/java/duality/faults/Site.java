package duality.faults;

/**
 * A place for a fault.
 *
 * @param kind what it does
 * @param file the class file in the jar
 * @param method number of the method in its class
 * @param element number of the code element in the method; -1 for the method's start
 * @param variant which change, where there are several
 * @param text for people: where and what
 */
record Site(FaultKind kind, String file, int method, int element, int variant, String text) {}
