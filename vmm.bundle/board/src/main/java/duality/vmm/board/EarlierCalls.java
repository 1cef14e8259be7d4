package duality.vmm.board;

import duality.drivers.Finish;
import duality.kernel.TrapHandler;
import java.util.OptionalLong;
import java.util.function.IntConsumer;

/**
 * The calls of SBI 0.1, each an extension of its own (SBI 2.0 chapter 5): kernels for teaching, and
 * old ones, make no others. They answer in a0 alone and leave a1 as it is; a mask of harts lies in
 * the guest's virtual memory. Only {@code clear_ipi} is not there: the guest can write {@code sip}
 * itself.
 */
final class EarlierCalls {
  private static final int SET_TIMER = 0;
  private static final int PUT_CHARACTER = 1;
  private static final int GET_CHARACTER = 2;
  private static final int CLEAR_INTERRUPT = 3;
  private static final int SEND_INTERRUPT = 4;
  private static final int FENCE_CODE = 5;
  private static final int FENCE = 6;
  private static final int FENCE_SPACE = 7;
  private static final int SHUT_DOWN = 8;

  private static final int A0 = 10;

  private final Sbi.Host host;

  EarlierCalls(Sbi.Host host) {
    this.host = host;
  }

  static boolean offers(long extension) {
    return extension >= SET_TIMER && extension <= SHUT_DOWN && extension != CLEAR_INTERRUPT;
  }

  /** Answers one that is offered; what the thread does next, as {@link TrapHandler#trap}. */
  int call(long extension) {
    if (extension == SHUT_DOWN) {
      host.end(Finish.POWER_OFF);
      return TrapHandler.SUSPEND;
    }
    host.x(A0, answer((int) extension, host.x(A0)));
    return TrapHandler.RESUME_BEHIND;
  }

  private long answer(int extension, long argument) {
    return switch (extension) {
      case SET_TIMER -> {
        host.timer(argument);
        yield Sbi.SUCCESS;
      }
      case PUT_CHARACTER -> {
        host.print((int) argument & 0xFF);
        yield Sbi.SUCCESS;
      }
      case GET_CHARACTER -> host.input();
      case SEND_INTERRUPT -> toHarts(argument, host::interrupt);
      case FENCE_CODE -> toHarts(argument, hart -> host.fence(hart, true));
      case FENCE, FENCE_SPACE -> toHarts(argument, hart -> host.fence(hart, false));
      default -> Sbi.NOT_SUPPORTED;
    };
  }

  /** Does something to the harts of the mask at a virtual address; to all where there is none. */
  private long toHarts(long address, IntConsumer action) {
    OptionalLong mask = address == 0 ? OptionalLong.of(-1) : host.read(address);
    if (mask.isEmpty()) {
      return Sbi.INVALID_ADDRESS;
    }
    for (int hart = 0; hart < host.harts(); hart++) {
      if ((mask.getAsLong() >>> hart & 1) != 0) {
        action.accept(hart);
      }
    }
    return Sbi.SUCCESS;
  }
}
