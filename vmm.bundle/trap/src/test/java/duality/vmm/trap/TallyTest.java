package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** The table of exits. */
class TallyTest {
  @Test
  void kindsAreSummedUpBySource() {
    Tally tally = new Tally();
    tally.count(Tally.Kind.CSR, 1_000_000);
    tally.count(Tally.Kind.CSR, 3_000_000);
    tally.count(Tally.Kind.WAIT, 2_000_000);
    tally.count(Tally.Kind.FIRMWARE, 4_000_000);
    assertEquals(2, tally.count(Tally.Kind.CSR));
    assertEquals(
        """
        state of the virtual processor: 0 exits, 0.000 s, 0 ns each
        privileged instructions: 3 exits, 0.006 s, 2000000 ns each
          control and status registers: 2 exits, 0.004 s, 2000000 ns each
          wfi: 1 exits, 0.002 s, 2000000 ns each
        paging within the machine: 0 exits, 0.000 s, 0 ns each
        console and device functions: 1 exits, 0.004 s, 4000000 ns each
          firmware calls: 1 exits, 0.004 s, 4000000 ns each
        all: 4 exits, 0.010 s, 2500000 ns each\
        """,
        tally.toString());
  }
}
