package duality.vmm.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Finish;
import duality.kernel.CallFailed;
import duality.kernel.TrapHandler;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Each function of the SBI. */
class SbiTest {
  private static final long UNTOUCHED = 0x5a5a;

  /** A hart that notes what is done to it; memory is the 4 KiB at 0x1000. */
  private static final class Notes implements Sbi.Host {
    final long[] x = new long[32];
    final List<String> done = new ArrayList<>();
    String typed = "";
    final Map<Long, Long> words = new HashMap<>();
    int harts = 1;
    int stopped = -1;
    boolean last = true;

    @Override
    public long x(int register) {
      return x[register];
    }

    @Override
    public void x(int register, long value) {
      x[register] = value;
    }

    @Override
    public void timer(long time) {
      done.add("timer " + Long.toUnsignedString(time));
    }

    @Override
    public int harts() {
      return harts;
    }

    @Override
    public void interrupt(int hart) {
      done.add("interrupt " + hart);
    }

    @Override
    public void fence(int hart, boolean code) {
      done.add((code ? "fence.i " : "fence ") + hart);
    }

    @Override
    public boolean isMemory(long address) {
      return address >= 0x1000 && address < 0x2000;
    }

    @Override
    public boolean start(int hart, long address, long opaque) {
      if (stopped != hart) {
        return false;
      }
      done.add("start " + hart + " " + Long.toHexString(address) + " " + opaque);
      return true;
    }

    @Override
    public boolean stop() {
      if (last) {
        return false;
      }
      done.add("stop");
      return true;
    }

    @Override
    public long status(int hart) {
      return hart == stopped ? 1 : 0;
    }

    @Override
    public void suspends() {
      done.add("suspends");
    }

    @Override
    public void suspend(long address, long opaque) {
      done.add("suspend " + Long.toHexString(address) + " " + opaque);
    }

    @Override
    public void end(long bits) {
      done.add("end " + Long.toHexString(bits));
    }

    @Override
    public void print(long address, int bytes) {
      check(address, bytes);
      done.add("print " + Long.toHexString(address) + " " + bytes);
    }

    @Override
    public void print(int character) {
      done.add("print '" + (char) character + "'");
    }

    @Override
    public int input(long address, int most) {
      check(address, most);
      int taken = Math.min(most, typed.length());
      done.add("input " + taken);
      return taken;
    }

    @Override
    public int input() {
      done.add("input");
      return typed.isEmpty() ? -1 : typed.charAt(0);
    }

    @Override
    public OptionalLong read(long address) {
      return words.containsKey(address)
          ? OptionalLong.of(words.get(address))
          : OptionalLong.empty();
    }

    private static void check(long address, int bytes) {
      if (address < 0x1000 || address > 0x2000 - bytes) {
        throw new CallFailed.BadRequest("no memory");
      }
    }
  }

  private final Notes hart = new Notes();
  private final Sbi sbi = new Sbi(hart);

  private int call(long extension, long function, long... arguments) {
    java.util.Arrays.fill(hart.x, UNTOUCHED);
    hart.done.clear();
    System.arraycopy(arguments, 0, hart.x, 10, arguments.length);
    hart.x[17] = extension;
    hart.x[16] = function;
    return sbi.call();
  }

  /** The call succeeds with that value and does that. */
  private void answers(long value, List<String> does, long extension, long function, long... a) {
    assertEquals(TrapHandler.RESUME_BEHIND, call(extension, function, a));
    assertEquals(Sbi.SUCCESS, hart.x[10], "error");
    assertEquals(value, hart.x[11], "value");
    assertEquals(does, hart.done);
    for (int register = 12; register < 32; register++) {
      boolean given = register < 10 + a.length || register == 16 || register == 17;
      assertTrue(given || hart.x[register] == UNTOUCHED, "x" + register + " must be kept");
    }
  }

  /** The call fails with that error and does nothing. */
  private void fails(long error, long extension, long function, long... arguments) {
    assertEquals(TrapHandler.RESUME_BEHIND, call(extension, function, arguments));
    assertEquals(error, hart.x[10], "error");
    assertEquals(List.of(), hart.done);
  }

  @Test
  void base() {
    answers(0x2000000, List.of(), Sbi.BASE, 0);
    answers(Sbi.IMPLEMENTATION, List.of(), Sbi.BASE, 1);
    answers(Sbi.IMPLEMENTATION_VERSION, List.of(), Sbi.BASE, 2);
    for (long offered :
        new long[] {Sbi.BASE, Sbi.TIME, Sbi.IPI, Sbi.RFENCE, Sbi.HSM, Sbi.SRST, Sbi.DBCN}) {
      answers(1, List.of(), Sbi.BASE, 3, offered);
    }
    for (long old : new long[] {0, 1, 2, 4, 5, 6, 7, 8}) {
      answers(1, List.of(), Sbi.BASE, 3, old);
    }
    for (long absent : new long[] {3, 9, 0x504D55, 0x53555350, 0x43505043, -1, 1L << 32 | 16}) {
      answers(0, List.of(), Sbi.BASE, 3, absent);
    }
    answers(0, List.of(), Sbi.BASE, 4);
    answers(0, List.of(), Sbi.BASE, 5);
    answers(0, List.of(), Sbi.BASE, 6);
    fails(Sbi.NOT_SUPPORTED, Sbi.BASE, 7);
    fails(Sbi.NOT_SUPPORTED, Sbi.BASE, -1);
    fails(Sbi.NOT_SUPPORTED, Sbi.BASE, 1L << 32);
  }

  @Test
  void time() {
    answers(0, List.of("timer 1234"), Sbi.TIME, 0, 1234);
    answers(0, List.of("timer 18446744073709551615"), Sbi.TIME, 0, -1);
    fails(Sbi.NOT_SUPPORTED, Sbi.TIME, 1, 0);
  }

  @Test
  void interruptsAndFencesReachTheOneHart() {
    answers(0, List.of("interrupt 0"), Sbi.IPI, 0, 1, 0);
    answers(0, List.of("interrupt 0"), Sbi.IPI, 0, 0, -1);
    answers(0, List.of(), Sbi.IPI, 0, 0, 0);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 2, 0);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 3, 0);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 1, 1);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 1, Long.MIN_VALUE);
    fails(Sbi.NOT_SUPPORTED, Sbi.IPI, 1, 1, 0);
    for (int function = 0; function <= 2; function++) {
      List<String> fence = List.of(function == 0 ? "fence.i 0" : "fence 0");
      answers(0, fence, Sbi.RFENCE, function, 1, 0, 0, 4096, 0);
      answers(0, fence, Sbi.RFENCE, function, 0, -1, 0, -1, 0);
      fails(Sbi.INVALID_PARAM, Sbi.RFENCE, function, 6, 0, 0, 0, 0);
    }
    fails(Sbi.NOT_SUPPORTED, Sbi.RFENCE, 3, 1, 0, 0, 0, 0);
    fails(Sbi.NOT_SUPPORTED, Sbi.RFENCE, -1, 1, 0, 0, 0, 0);
  }

  @Test
  void interruptsAndFencesReachTheHartsOfTheMask() {
    hart.harts = 4;
    answers(0, List.of("interrupt 1", "interrupt 3"), Sbi.IPI, 0, 5, 1);
    answers(0, List.of("interrupt 3"), Sbi.IPI, 0, 1, 3);
    answers(0, List.of("fence 0", "fence 1", "fence 2"), Sbi.RFENCE, 1, 7, 0, 0, 4096);
    answers(0, List.of("fence.i 2"), Sbi.RFENCE, 0, 4, 0);
    List<String> all = List.of("fence 0", "fence 1", "fence 2", "fence 3");
    answers(0, all, Sbi.RFENCE, 2, 0, -1, 0, -1, 7);
    // One that is not there, and none of the others is touched.
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 16, 0);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 9, 1);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 1, 4);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, -1, 0);
    fails(Sbi.INVALID_PARAM, Sbi.IPI, 0, 1, Long.MAX_VALUE);
    fails(Sbi.INVALID_PARAM, Sbi.RFENCE, 1, 1, -2, 0, 0);
  }

  @Test
  void hartsStartAndStop() {
    hart.harts = 2;
    hart.stopped = 1;
    hart.last = false;
    answers(0, List.of("start 1 1800 77"), Sbi.HSM, 0, 1, 0x1800, 77);
    fails(Sbi.ALREADY_AVAILABLE, Sbi.HSM, 0, 0, 0x1800, 77);
    fails(Sbi.INVALID_ADDRESS, Sbi.HSM, 0, 1, 0x2000, 77);
    fails(Sbi.INVALID_PARAM, Sbi.HSM, 0, 2, 0x1800, 77);
    answers(0, List.of(), Sbi.HSM, 2, 0);
    answers(1, List.of(), Sbi.HSM, 2, 1);
    fails(Sbi.INVALID_PARAM, Sbi.HSM, 2, 2);
    assertEquals(TrapHandler.SUSPEND, call(Sbi.HSM, 1));
    assertEquals(List.of("stop"), hart.done);
    assertEquals(UNTOUCHED, hart.x[10], "a stopped hart gets no answer");
  }

  @Test
  void aHartSuspendsItself() {
    assertEquals(TrapHandler.WAIT, call(Sbi.HSM, 3, 0, 0, 0));
    assertEquals(Sbi.SUCCESS, hart.x[10]);
    assertEquals(List.of("suspends"), hart.done);
    assertEquals(TrapHandler.WAIT, call(Sbi.HSM, 3, 1L << 63, 0, 0), "types have 32 bits");
    assertEquals(TrapHandler.RESUME, call(Sbi.HSM, 3, 0x8000_0000L, 0x1800, 77));
    assertEquals(List.of("suspend 1800 77", "suspends"), hart.done);
    fails(Sbi.INVALID_ADDRESS, Sbi.HSM, 3, 0x8000_0000L, 0x800, 77);
    fails(Sbi.INVALID_PARAM, Sbi.HSM, 3, 1, 0x1800, 77);
    fails(Sbi.NOT_SUPPORTED, Sbi.HSM, 3, 0x1000_0000L, 0x1800, 77);
    fails(Sbi.NOT_SUPPORTED, Sbi.HSM, 3, 0x9000_0000L, 0x1800, 77);
  }

  @Test
  void theOnlyHart() {
    fails(Sbi.ALREADY_AVAILABLE, Sbi.HSM, 0, 0, 0x1800, 0);
    fails(Sbi.INVALID_PARAM, Sbi.HSM, 0, 1, 0x1800, 0);
    fails(Sbi.FAILED, Sbi.HSM, 1);
    answers(0, List.of(), Sbi.HSM, 2, 0);
    fails(Sbi.INVALID_PARAM, Sbi.HSM, 2, 1);
    fails(Sbi.INVALID_PARAM, Sbi.HSM, 2, -1);
    fails(Sbi.NOT_SUPPORTED, Sbi.HSM, 4, 0, 0, 0);
    fails(Sbi.NOT_SUPPORTED, Sbi.HSM, -1);
  }

  @Test
  void theConsole() {
    answers(5, List.of("print 1000 5"), Sbi.DBCN, 0, 5, 0x1000, 0);
    answers(0, List.of(), Sbi.DBCN, 0, 0, 0, 0);
    answers(4096, List.of("print 1000 4096"), Sbi.DBCN, 0, 1L << 40, 0x1000, 0);
    answers(4096, List.of("print 1000 4096"), Sbi.DBCN, 0, -1, 0x1000, 0);
    fails(Sbi.INVALID_PARAM, Sbi.DBCN, 0, 5, 0x1ffe, 0);
    fails(Sbi.INVALID_PARAM, Sbi.DBCN, 0, 5, 0, 0);
    fails(Sbi.INVALID_PARAM, Sbi.DBCN, 0, 5, -1, 0);
    fails(Sbi.INVALID_PARAM, Sbi.DBCN, 0, 5, 0x1000, 1);
    answers(0, List.of("input 0"), Sbi.DBCN, 1, 16, 0x1000, 0);
    hart.typed = "abc";
    answers(3, List.of("input 3"), Sbi.DBCN, 1, 16, 0x1000, 0);
    answers(2, List.of("input 2"), Sbi.DBCN, 1, 2, 0x1000, 0);
    fails(Sbi.INVALID_PARAM, Sbi.DBCN, 1, 16, 0x2000, 0);
    answers(0, List.of("print 'A'"), Sbi.DBCN, 2, 0xff41);
    fails(Sbi.NOT_SUPPORTED, Sbi.DBCN, 3);
  }

  @Test
  void systemReset() {
    ends(Finish.POWER_OFF, 0, 0);
    ends(Finish.POWER_OFF, 0xf_0000_0000L, 0);
    ends(Finish.FAILED | 1 << 16, 0, 1);
    ends(Finish.RESET, 1, 0);
    ends(Finish.RESET, 2, 1);
    ends(Finish.FAILED | 5 << 16, 0, 0xE000_0005L);
    fails(Sbi.INVALID_PARAM, Sbi.SRST, 0, 3, 0);
    fails(Sbi.INVALID_PARAM, Sbi.SRST, 0, 0xE000_0000L, 0);
    fails(Sbi.NOT_SUPPORTED, Sbi.SRST, 0, 0xF000_0000L, 0);
    fails(Sbi.INVALID_PARAM, Sbi.SRST, 0, 0, 2);
    fails(Sbi.NOT_SUPPORTED, Sbi.SRST, 1, 0, 0);
  }

  private void ends(long bits, long type, long reason) {
    assertEquals(TrapHandler.SUSPEND, call(Sbi.SRST, 0, type, reason));
    assertEquals(List.of("end " + Long.toHexString(bits)), hart.done);
  }

  /** The call answers that in a0 and touches nothing else. */
  private void earlierAnswers(long value, List<String> does, long extension, long... a) {
    assertEquals(TrapHandler.RESUME_BEHIND, call(extension, 77, a));
    assertEquals(value, hart.x[10]);
    assertEquals(a.length > 1 ? a[1] : UNTOUCHED, hart.x[11], "a1 is not theirs");
    assertEquals(does, hart.done);
  }

  @Test
  void callsOfTheFirstVersion() {
    earlierAnswers(0, List.of("timer 1234"), 0, 1234);
    earlierAnswers(0, List.of("print 'A'"), 1, 0xff41);
    earlierAnswers(-1, List.of("input"), 2);
    hart.typed = "z";
    earlierAnswers('z', List.of("input"), 2);
    fails(Sbi.NOT_SUPPORTED, 3, 0);
    hart.harts = 3;
    hart.words.put(0x4000L, 0xffff_fffdL);
    earlierAnswers(0, List.of("interrupt 0", "interrupt 2"), 4, 0x4000);
    earlierAnswers(0, List.of("fence.i 0", "fence.i 2"), 5, 0x4000);
    earlierAnswers(0, List.of("fence 0", "fence 2"), 6, 0x4000, 0, 4096);
    earlierAnswers(0, List.of("fence 0", "fence 1", "fence 2"), 7, 0, 0, -1, 9);
    earlierAnswers(Sbi.INVALID_ADDRESS, List.of(), 4, 0x5000);
    assertEquals(TrapHandler.SUSPEND, call(8, 0));
    assertEquals(List.of("end " + Long.toHexString(Finish.POWER_OFF)), hart.done);
  }

  @Test
  void whatIsNotThereIsNotSupported() {
    for (long extension : new long[] {3, 9, 0xF, 0x504D55, 0x53555350, 0xA000000, -1}) {
      fails(Sbi.NOT_SUPPORTED, extension, 0);
    }
    fails(Sbi.NOT_SUPPORTED, Sbi.TIME | 1L << 32, 0, 7);
  }

  @Test
  void noCombinationOfRegistersBreaksIt() {
    long seed = Long.getLong("seed", 4711);
    Random random = new Random(seed);
    long[] extensions = {
      Sbi.BASE, Sbi.TIME, Sbi.IPI, Sbi.RFENCE, Sbi.HSM, Sbi.SRST, Sbi.DBCN, random.nextInt(10)
    };
    for (int round = 0; round < 20_000; round++) {
      hart.harts = random.nextInt(1, 9);
      long[] arguments = new long[6];
      for (int i = 0; i < 6; i++) {
        arguments[i] = random.nextLong() >> random.nextInt(64);
      }
      int next = call(extensions[random.nextInt(8)], random.nextInt(-1, 8), arguments);
      assertTrue(
          next == TrapHandler.RESUME_BEHIND
              || next == TrapHandler.SUSPEND
              || hart.x[17] == Sbi.HSM && (next == TrapHandler.WAIT || next == TrapHandler.RESUME),
          "seed " + seed + ", round " + round + ": " + next);
    }
  }
}
