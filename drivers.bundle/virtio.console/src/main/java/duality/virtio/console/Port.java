package duality.virtio.console;

import duality.drivers.Console;
import duality.kernel.State;

/** One port: who is behind it, and what the guest has said about it. */
final class Port {
  final int number;
  final String name;
  final Console backend;

  /** The guest has it and may be told about it. */
  boolean ready;

  /** A program of the guest has it open. */
  boolean open;

  Port(int number, String name, Console backend) {
    this.number = number;
    this.name = name;
    this.backend = backend;
  }

  /** Whether it is a terminal: port 0 when it has no name. */
  boolean isConsole() {
    return number == 0 && name.isEmpty();
  }

  /**
   * Whether the guest takes input. What comes for a port that is not open it throws away; a
   * terminal is never said to be open.
   */
  boolean takesInput() {
    return ready && (open || isConsole());
  }

  /** Its receive queue (VIRTIO 1.2 §5.3.2); the transmit queue is the next one. */
  int receiveQueue() {
    return number == 0 ? 0 : 2 + 2 * number;
  }

  int transmitQueue() {
    return receiveQueue() + 1;
  }

  void forget() {
    ready = false;
    open = false;
  }

  State save() {
    return State.of("port", 1).with("number", number).with("ready", ready).with("open", open);
  }

  void restore(State saved) {
    saved.expect("port", 1);
    saved.number("number", number, number);
    ready = saved.flag("ready");
    open = saved.flag("open");
  }
}
