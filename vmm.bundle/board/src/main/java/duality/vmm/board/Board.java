package duality.vmm.board;

/**
 * Where things are: the memory map and interrupt numbers of QEMU's RISC-V {@code virt} machine
 * (QEMU 7.2, hw/riscv/virt.c), as far as this machine has them.
 */
final class Board {
  /** What a hart with firmware executes first: a page that says where to go. */
  static final long RESET = 0x1000;

  /** Core-local interruptor, for firmware. */
  static final long CLINT = 0x200_0000;

  /** Bytes that the core-local interruptor takes. */
  static final long CLINT_BYTES = 0x1_0000;

  /** Test finisher: power-off and reset by a store. */
  static final long FINISHER = 0x10_0000;

  /** Goldfish real-time clock. */
  static final long RTC = 0x10_1000;

  /** Platform-level interrupt controller. */
  static final long PLIC = 0xc00_0000;

  /** Bytes that the interrupt controller takes. */
  static final long PLIC_BYTES = 0x60_0000;

  /** UART 16550A. */
  static final long UART = 0x1000_0000;

  /** Bytes that the UART takes. */
  static final long UART_BYTES = 0x100;

  /** First of the virtio-mmio transports, one page each. */
  static final long VIRTIO = 0x1000_1000;

  /** Bytes of one virtio-mmio transport, and of most other devices. */
  static final long DEVICE_BYTES = 0x1000;

  /** How many virtio-mmio transports there can be: the eight of QEMU's, and more behind them. */
  static final int VIRTIO_SLOTS = 13;

  /** How many of them have the interrupt sources that QEMU's have. */
  static final int FIRST_SLOTS = 8;

  /** First byte of memory. */
  static final long MEMORY = 0x8000_0000L;

  /** Interrupt source of the first virtio-mmio transport; the next seven follow. */
  static final int VIRTIO_SOURCE = 1;

  /** Interrupt source of the ninth virtio-mmio transport; the others follow. */
  private static final int MORE_VIRTIO_SOURCE = 12;

  /** Interrupt source of the UART. */
  static final int UART_SOURCE = 10;

  /** Interrupt source of the real-time clock. */
  static final int RTC_SOURCE = 11;

  /** Transport of the console ports; disks have those before it. */
  static final int PORTS_SLOT = 7;

  /** Transport of the source of randomness. */
  static final int RANDOM_SLOT = 8;

  /** Transport of the first network card; the others follow. */
  static final int CARD_SLOT = 9;

  /** How many network cards there can be. */
  static final int MOST_CARDS = 4;

  /** Highest interrupt source that the device tree promises. */
  static final int SOURCES = 53;

  private Board() {}

  /** Base address of a virtio-mmio transport. */
  static long virtio(int slot) {
    return VIRTIO + slot * DEVICE_BYTES;
  }

  /** Interrupt source of a virtio-mmio transport. */
  static int virtioSource(int slot) {
    return slot < FIRST_SLOTS ? VIRTIO_SOURCE + slot : MORE_VIRTIO_SOURCE + slot - FIRST_SLOTS;
  }
}
