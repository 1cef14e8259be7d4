package duality.vmm.board;

import duality.kernel.processor.HartState;
import duality.vmm.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Steps of one hart, written down as they are done. */
final class Trace {
  static final int MOST = 100_000;
  static final long MOST_MILLIS = 2_000;

  private static final int MACHINE = 3;

  private final GuestMemory memory;
  private final VirtualHart hart;
  private final int count;
  private final List<Step> steps = new ArrayList<>();
  private final CountDownLatch done = new CountDownLatch(1);

  // Before the step that is under way:
  private HartState before;
  private int word;

  Trace(GuestMemory memory, VirtualHart hart, int count) {
    this.memory = memory;
    this.hart = hart;
    this.count = count;
    before = hart.save();
    word = word(before);
  }

  /** A step is over, on the processor that did it; says if there is to be another one. */
  boolean step() {
    HartState now = hart.save();
    long trap = trap(now);
    int executed = trap < Step.NO_TRAP && epc(now) == before.pc() ? 0 : word;
    synchronized (this) {
      steps.add(new Step(before.pc(), executed, before.privilege(), changed(now), trap));
      if (steps.size() == count) {
        done.countDown();
        return false;
      }
    }
    before = now;
    word = word(now);
    return true;
  }

  /** Whether they are that hart's. */
  boolean of(VirtualHart one) {
    return hart == one;
  }

  /** There will be no other one: the hart has met a stop, or stays at rest. */
  void stopped() {
    done.countDown();
  }

  void await(long millis) {
    try {
      done.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  synchronized List<Step> taken() {
    return List.copyOf(steps);
  }

  private int word(HartState at) {
    byte[] bytes = new PageWalk(memory, at).read(at.pc(), 4);
    int word = 0;
    for (int i = bytes.length - 1; i >= 0; i--) {
      word = word << 8 | bytes[i] & 0xff;
    }
    return word;
  }

  private long[] changed(HartState now) {
    long[] x = now.x();
    long[] f = now.f();
    long[] oldX = before.x();
    long[] oldF = before.f();
    long[] pairs = new long[128];
    int count = 0;
    for (int i = 0; i < 64; i++) {
      long value = i < 32 ? x[i] : f[i - 32];
      if (value != (i < 32 ? oldX[i] : oldF[i - 32])) {
        pairs[count++] = i;
        pairs[count++] = value;
      }
    }
    return java.util.Arrays.copyOf(pairs, count);
  }

  /** The cause of the trap that the step ended in: the hart is where such a trap leads. */
  private long trap(HartState now) {
    long vector = csr(now, kind(now) + "tvec");
    long cause = csr(now, kind(now) + "cause");
    long target = (vector & -4) + ((vector & 1) != 0 && cause < 0 ? 4 * (cause & 63) : 0);
    boolean taken =
        now.pc() == target
            && now.privilege() > 0
            && (now.privilege() != before.privilege()
                || csr(now, "mstatus") != csr(before, "mstatus"));
    return taken && (cause < 0 || epc(now) == before.pc()) ? cause : Step.NO_TRAP;
  }

  private static long epc(HartState hart) {
    return csr(hart, kind(hart) + "epc");
  }

  private static String kind(HartState hart) {
    return hart.privilege() == MACHINE ? "m" : "s";
  }

  private static long csr(HartState hart, String name) {
    return hart.csrs().getOrDefault(name, 0L);
  }
}
