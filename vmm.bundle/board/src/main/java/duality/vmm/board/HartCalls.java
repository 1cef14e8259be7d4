package duality.vmm.board;

import duality.drivers.Console;
import duality.drivers.MmioDevice;
import duality.kernel.Grant;
import duality.kernel.KernelThread;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * What the {@link Sbi} needs, done to the hart that made the call and to others. It is stopped in
 * its trap handler meanwhile, so its registers may be touched; the others run.
 */
final class HartCalls implements Sbi.Host {
  // Registers of the 16550A and their bits.
  private static final int RECEIVED = 0;
  private static final int LINE_CONTROL = 3;
  private static final int DIVISOR_LATCH = 0x80;
  private static final int LINE_STATUS = 5;
  private static final int DATA_READY = 0x01;

  private final Harts harts;
  private final Vcpu self;
  private final KernelThread thread;
  private final GuestMemory memory;
  private final Console console;
  private final MmioDevice uart;
  private final LongSupplier zeroNanos;
  private final LongConsumer end;

  /**
   * For one hart.
   *
   * @param zeroNanos host clock value at which guest time was zero
   * @param end ends the machine
   */
  HartCalls(
      Harts harts,
      Vcpu self,
      GuestMemory memory,
      Peripherals devices,
      LongSupplier zeroNanos,
      LongConsumer end) {
    this.harts = harts;
    this.self = self;
    thread = self.thread;
    this.memory = memory;
    console = devices.console();
    uart = devices.uart();
    this.zeroNanos = zeroNanos;
    this.end = end;
  }

  @Override
  public long x(int register) {
    return thread.x(register);
  }

  @Override
  public void x(int register, long value) {
    thread.x(register, value);
  }

  @Override
  public void timer(long time) {
    self.hart.timer(time);
  }

  @Override
  public int harts() {
    return harts.count();
  }

  @Override
  public void interrupt(int hart) {
    harts.get(hart).interrupt();
  }

  @Override
  public void fence(int hart, boolean code) {
    harts.get(hart).fence(code);
  }

  @Override
  public boolean isMemory(long address) {
    return memory.contains(address);
  }

  @Override
  public boolean start(int hart, long address, long opaque) {
    return harts.start(hart, address, opaque, zeroNanos.getAsLong());
  }

  @Override
  public boolean stop() {
    return harts.stop(self);
  }

  @Override
  public long status(int hart) {
    return harts.get(hart).status();
  }

  @Override
  public void suspends() {
    self.suspends();
  }

  @Override
  public void suspend(long address, long opaque) {
    self.hart.restore(HartTree.resumed(self.hart.save(), self.number, address, opaque));
  }

  @Override
  public void end(long bits) {
    end.accept(bits);
  }

  @Override
  public void print(long address, int bytes) {
    byte[] text = new byte[bytes];
    try (Grant grant = memory.grant(address, bytes, Memory.READ)) {
      grant.read(0, MemorySegment.ofArray(text), 0, bytes);
    }
    console.written(new String(text, StandardCharsets.ISO_8859_1));
  }

  @Override
  public void print(int character) {
    console.written(String.valueOf((char) character));
  }

  @Override
  public int input(long address, int most) {
    try (Grant grant = memory.grant(address, most, Memory.WRITE)) {
      int count = 0;
      for (; count < most; count++) {
        int next = input();
        if (next < 0) {
          break;
        }
        grant.setByte(count, next);
      }
      return count;
    }
  }

  /**
   * A byte that the UART has received, or -1. What people type goes there, so it is asked as
   * firmware would ask it; while the guest has its divisor open, there is nothing to read.
   */
  @Override
  public int input() {
    boolean divisor = (uart.load(LINE_CONTROL, 1) & DIVISOR_LATCH) != 0;
    boolean there = (uart.load(LINE_STATUS, 1) & DATA_READY) != 0;
    return there && !divisor ? (int) uart.load(RECEIVED, 1) & 0xFF : -1;
  }

  @Override
  public OptionalLong read(long address) {
    byte[] bytes = new PageWalk(memory, self.hart.save()).read(address, Long.BYTES);
    return bytes.length < Long.BYTES
        ? OptionalLong.empty()
        : OptionalLong.of(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong());
  }
}
