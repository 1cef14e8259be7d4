package duality.faults;

import java.io.IOException;

/** A guest that uses the faulty servers, and the oracle that knows what it must do. */
interface Client {
  /** Its name: the machine is {@code vm/NAME}. */
  String name();

  /** Makes the machine with an empty disk, and waits until it is ready. */
  void boot() throws Deviation, IOException;

  /** A dialogue about everything that the machine is made of. */
  void round() throws Deviation;

  /**
   * Lets the machine be looked at, paused, switched off and on again, and waits until the guest is
   * ready; nothing where that takes too long.
   */
  void restart() throws Deviation;

  /** Finds its way back after a deviation; says whether the guest answers as it should. */
  boolean recovers();

  /**
   * Compares the disk's bytes with what was written; answers the first wrong sector, or -1. Those
   * of a request without an answer may be old or new.
   */
  int firstWrongSector() throws IOException;

  /** Removes the machine. */
  void remove() throws Deviation;
}
