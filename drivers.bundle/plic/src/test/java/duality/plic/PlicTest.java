package duality.plic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import duality.drivers.InterruptController;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.kernel.processor.Lines;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Two harts: contexts 0 and 2 are M-mode, 1 and 3 are S-mode. */
class PlicTest extends DeviceContract {
  private Notification[] harts;
  private InterruptController plic;

  @Override
  protected MmioDevice device(TestBoard board) {
    harts = new Notification[] {board.notification("h0"), board.notification("h1")};
    board.core().register("plic", new PlicServer(), InterruptController.class);
    plic =
        board.child(
            DEVICE,
            InterruptController.class,
            "plic",
            Map.of(Slots.HARTS, "2"),
            Map.of("hart0", harts[0], "hart1", harts[1]));
    return asDevice(plic);
  }

  @Override
  protected long windowBytes() {
    return 0x400_0000;
  }

  @Override
  protected long[] registers() {
    return new long[] {
      0, 4, 8, 4 * 96, 4 * 97, 0x1000, 0x1004, 0x100c, 0x2000, 0x2080, 0x2084, 0x208c, 0x2180,
      0x20_0000, 0x20_0004, 0x20_1000, 0x20_1004, 0x20_3000, 0x20_3004, 0x20_4000
    };
  }

  private void set(long offset, long value) {
    plic.store(offset, 4, value);
  }

  private long get(long offset) {
    return plic.load(offset, 4);
  }

  private void enable(int context, int... sources) {
    long[] words = new long[4];
    for (int source : sources) {
      words[source / 32] |= 1L << source % 32;
    }
    for (int i = 0; i < 4; i++) {
      set(0x2000 + 0x80L * context + 4 * i, words[i]);
    }
  }

  private long claim(int context) {
    return get(0x20_0004 + 0x1000L * context);
  }

  private void complete(int context, long source) {
    set(0x20_0004 + 0x1000L * context, source);
  }

  private void threshold(int context, long value) {
    set(0x20_0000 + 0x1000L * context, value);
  }

  private void assertLine(int context, boolean high) {
    long line = context % 2 == 0 ? Lines.MEIP : Lines.SEIP;
    assertEquals(high, (harts[context / 2].word() & line) != 0, () -> "line of context " + context);
  }

  @Test
  void aSourceGoesFromWireToClaimToCompletion() {
    set(4 * 10, 1);
    enable(1, 10);
    plic.level(10, true);
    assertLine(1, true);
    assertLine(0, false);
    assertLine(3, false);
    assertEquals(1 << 10, get(0x1000));
    assertEquals(10, claim(1));
    assertLine(1, false);
    assertEquals(0, get(0x1000));
    assertEquals(0, claim(1));
    plic.level(10, false);
    complete(1, 10);
    assertLine(1, false);
    plic.level(10, true);
    assertLine(1, true);
  }

  @Test
  void aLevelThatStaysHighInterruptsAgainAfterCompletionOnly() {
    set(4 * 10, 1);
    enable(1, 10);
    plic.level(10, true);
    assertEquals(10, claim(1));
    plic.level(10, false);
    plic.level(10, true);
    assertLine(1, false);
    complete(1, 10);
    assertLine(1, true);
    assertEquals(10, claim(1));
  }

  @Test
  void aForwardedRequestStaysPendingWhenTheLevelFalls() {
    set(4 * 10, 1);
    enable(1, 10);
    plic.level(10, true);
    plic.level(10, false);
    assertLine(1, true);
    assertEquals(10, claim(1));
    complete(1, 10);
    assertLine(1, false);
  }

  @Test
  void theHighestPriorityIsClaimedFirstAndAmongEqualsTheLowestNumber() {
    set(4 * 5, 2);
    set(4 * 70, 7);
    set(4 * 71, 2);
    set(4 * 96, 7);
    enable(3, 5, 70, 71, 96);
    for (int source : new int[] {96, 71, 5, 70}) {
      plic.level(source, true);
    }
    assertEquals(70, claim(3));
    assertEquals(96, claim(3));
    assertEquals(5, claim(3));
    assertEquals(71, claim(3));
    assertEquals(0, claim(3));
  }

  @Test
  void priorityZeroAndTheThresholdMask() {
    enable(1, 10);
    plic.level(10, true);
    assertLine(1, false);
    assertEquals(0, claim(1), "priority 0 is never");
    set(4 * 10, 3);
    assertLine(1, true);
    threshold(1, 3);
    assertLine(1, false);
    assertEquals(3, get(0x20_1000));
    threshold(1, 2);
    assertLine(1, true);
    threshold(1, 7);
    assertEquals(10, claim(1), "the threshold does not mask a claim");
  }

  @Test
  void completionByAContextThatDoesNotEnableItIsIgnored() {
    set(4 * 10, 1);
    enable(1, 10);
    plic.level(10, true);
    assertEquals(10, claim(1));
    complete(3, 10);
    assertLine(1, false);
    for (long wrong : new long[] {0, 9, 97, 1_000, 0xffff_ffffL}) {
      complete(1, wrong);
      assertLine(1, false);
    }
    complete(1, 10);
    assertLine(1, true);
  }

  @Test
  void oneClaimTakesASourceFromAllContexts() {
    set(4 * 10, 1);
    enable(1, 10);
    enable(3, 10);
    plic.level(10, true);
    assertLine(1, true);
    assertLine(3, true);
    assertEquals(10, claim(3));
    assertLine(1, false);
    assertEquals(0, claim(1));
  }

  @Test
  void registersKeepWhatTheyHave() {
    set(0, 7);
    assertEquals(0, get(0), "source 0 is none");
    set(4 * 96, 0xffff_ffffL);
    assertEquals(7, get(4 * 96));
    set(4 * 97, 7);
    assertEquals(0, get(4 * 97));
    set(0x2080, 0xffff_ffffL);
    set(0x208c, 0xffff_ffffL);
    assertEquals(0xffff_fffeL, get(0x2080));
    assertEquals(1, get(0x208c), "source 96 is the last");
    set(0x1000, 0xffff_ffffL);
    assertEquals(0, get(0x1000), "pending bits are read-only");
    assertEquals(0, plic.load(0x2080, 8));
    assertEquals(0, plic.load(0x2081, 4));
  }

  @Test
  void sourcesThatAreNotThereAreBadRequests() {
    for (int wrong : new int[] {0, -1, 97, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertThrows(CallFailed.BadRequest.class, () -> plic.level(wrong, true));
    }
  }

  @Test
  void aResetKeepsTheWires() {
    set(4 * 10, 1);
    enable(1, 10);
    plic.level(10, true);
    claim(1);
    plic.reset();
    assertLine(1, false);
    set(4 * 10, 1);
    enable(1, 10);
    assertLine(1, true);
    assertEquals(10, claim(1));
  }

  @Test
  void aSuccessorGoesOnInTheMiddleOfAService() {
    set(4 * 10, 1);
    set(4 * 11, 1);
    enable(1, 10, 11);
    plic.level(10, true);
    plic.level(11, true);
    assertEquals(10, claim(1));
    board.swap(DEVICE);
    assertLine(1, true);
    assertEquals(11, claim(1));
    complete(1, 10);
    assertLine(1, true);
    assertEquals(10, claim(1));
  }

  @Test
  void aSuccessorDrivesLinesThatGotLost() {
    set(4 * 10, 1);
    enable(1, 10);
    plic.level(10, true);
    State saved = board.save(DEVICE);
    harts[0].clear(Lines.SEIP);
    board.restore(DEVICE, saved);
    assertLine(1, true);
  }

  /** The rules of the specification, written down once more in the slowest way. */
  @Test
  void randomUseFollowsTheRules() {
    long seed = Long.getLong("duality.seed", 20262);
    Random random = new Random(seed);
    int[] priority = new int[97];
    boolean[] level = new boolean[97];
    boolean[] pending = new boolean[97];
    boolean[] served = new boolean[97];
    boolean[][] enabled = new boolean[4][97];
    int[] threshold = new int[4];
    for (int step = 0; step < 20_000; step++) {
      int source = 1 + random.nextInt(96);
      int context = random.nextInt(4);
      switch (random.nextInt(6)) {
        case 0 -> {
          priority[source] = random.nextInt(8);
          set(4L * source, priority[source]);
        }
        case 1 -> {
          int[] sources = random.ints(40, 1, 97).distinct().toArray();
          enabled[context] = new boolean[97];
          for (int each : sources) {
            enabled[context][each] = true;
          }
          enable(context, sources);
        }
        case 2 -> {
          threshold[context] = random.nextInt(8);
          threshold(context, threshold[context]);
        }
        case 3 -> {
          level[source] = random.nextBoolean();
          pending[source] |= level[source] && !served[source];
          plic.level(source, level[source]);
        }
        case 4 -> {
          int best = 0;
          for (int each = 1; each <= 96; each++) {
            if (pending[each] && enabled[context][each] && priority[each] > priority[best]) {
              best = each;
            }
          }
          assertEquals(best, claim(context), () -> "claim, seed " + seed);
          if (best != 0) {
            pending[best] = false;
            served[best] = true;
          }
        }
        default -> {
          complete(context, source);
          if (enabled[context][source]) {
            served[source] = false;
            pending[source] |= level[source];
          }
        }
      }
      for (int each = 0; each < 4; each++) {
        boolean high = false;
        for (int s = 1; s <= 96; s++) {
          high |= pending[s] && enabled[each][s] && priority[s] > threshold[each];
        }
        assertLine(each, high);
      }
    }
  }

  @Test
  void aLineThatAHartDidNotHearOfIsRaisedOnceMoreByTheCheck() {
    set(4 * 7, 1);
    enable(1, 7);
    plic.level(7, true);
    board.endpoint(DEVICE).check();
    harts[0].clear(Lines.SEIP);
    board.endpoint(DEVICE).check();
    assertEquals(Lines.SEIP, harts[0].word() & Lines.SEIP);
  }

  @Test
  void aRequestThatStayedBehindFailsTheCheck() {
    plic.level(7, true);
    State saved = board.save(DEVICE);
    board.endpoint(DEVICE).check();
    long[] none = new long[saved.numbers("pending").length];
    try (var _ = board.core().hold(java.util.List.of(board.endpoint(DEVICE)), 100_000_000_000L)) {
      board.endpoint(DEVICE).open("plic", saved.with("pending", none)).bind();
    }
    assertThrows(CallFailed.ServerFailed.class, () -> board.endpoint(DEVICE).check());
  }
}
