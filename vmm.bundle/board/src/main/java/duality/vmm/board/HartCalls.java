package duality.vmm.board;

import duality.drivers.Console;
import duality.drivers.MmioDevice;
import duality.kernel.Grant;
import duality.kernel.KernelThread;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.function.LongConsumer;

/**
 * What the {@link Sbi} needs, done to the hart that made the call. It is stopped in its trap
 * handler meanwhile, so its registers may be touched.
 */
final class HartCalls implements Sbi.Host {
  // Registers of the 16550A and their bits.
  private static final int RECEIVED = 0;
  private static final int LINE_CONTROL = 3;
  private static final int DIVISOR_LATCH = 0x80;
  private static final int LINE_STATUS = 5;
  private static final int DATA_READY = 0x01;

  private final KernelThread thread;
  private final VirtualHart hart;
  private final GuestMemory memory;
  private final Console console;
  private final MmioDevice uart;
  private final LongConsumer end;

  HartCalls(
      KernelThread thread,
      VirtualHart hart,
      GuestMemory memory,
      Console console,
      MmioDevice uart,
      LongConsumer end) {
    this.thread = thread;
    this.hart = hart;
    this.memory = memory;
    this.console = console;
    this.uart = uart;
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
    hart.timer(time);
  }

  @Override
  public void interrupt() {
    thread.lines().signal(Lines.SSIP);
  }

  @Override
  public void fence() {
    hart.fence();
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
        int next = received();
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
  private int received() {
    boolean divisor = (uart.load(LINE_CONTROL, 1) & DIVISOR_LATCH) != 0;
    boolean there = (uart.load(LINE_STATUS, 1) & DATA_READY) != 0;
    return there && !divisor ? (int) uart.load(RECEIVED, 1) & 0xFF : -1;
  }
}
