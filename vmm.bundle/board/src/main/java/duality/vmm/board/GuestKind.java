package duality.vmm.board;

import duality.kernel.State;

/**
 * Which guests a monitor runs, as a machine's state says it: nothing for a guest of the board, else
 * its kind and what the monitor knows of it.
 */
record GuestKind(String name) {
  private static final String KIND = "kind";
  private static final String GUEST = "guest";

  boolean ofTheBoard() {
    return name.equals(Parts.Monitor.ANY);
  }

  /** An empty state of the machine, with what the monitor knows of its guest. */
  State save(State state, VirtualHart hart) {
    return ofTheBoard() ? state : state.with(KIND, name).with(GUEST, hart.guest());
  }

  /**
   * Goes on with a guest, if it is one of that kind.
   *
   * @param begun whether there ever was a guest
   * @param memory whether the guest's memory is here
   */
  void restore(State saved, VirtualHart hart, boolean begun, boolean memory) {
    String there = saved.has(KIND) ? saved.text(KIND) : Parts.Monitor.ANY;
    if (!there.equals(name)) {
      throw new State.Refused(
          "the guest of this machine is one for '" + there + "', this monitor runs '" + name + "'");
    }
    if (!ofTheBoard() && memory) {
      hart.guest(saved.state(GUEST));
    } else if (!ofTheBoard() && begun) {
      throw new State.Refused("a guest of kind '" + name + "' cannot go on without its memory");
    }
  }
}
