package duality.virtio.console;

/**
 * A control message (VIRTIO 1.2 §5.3.6.2): eight bytes, which some events to the driver are
 * followed by more.
 *
 * @param port number of the port, an unsigned word
 * @param event one of the constants, 0 to 65,535
 * @param value depends on the event, 0 to 65,535
 */
record ControlMessage(int port, int event, int value) {
  static final int BYTES = 8;

  static final int DEVICE_READY = 0;
  static final int PORT_ADD = 1;
  static final int PORT_READY = 3;
  static final int CONSOLE_PORT = 4;
  static final int RESIZE = 5;
  static final int PORT_OPEN = 6;
  static final int PORT_NAME = 7;

  /** The message as one number, as it lies in memory. */
  long packed() {
    return port & 0xffff_ffffL | (long) event << 32 | (long) value << 48;
  }

  static ControlMessage unpacked(long packed) {
    return new ControlMessage((int) packed, (int) (packed >>> 32 & 0xffff), (int) (packed >>> 48));
  }
}
