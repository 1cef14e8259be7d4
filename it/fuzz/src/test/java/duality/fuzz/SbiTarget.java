package duality.fuzz;

import java.io.IOException;
import java.util.List;

/**
 * Three harts that call the SBI at once, with anything: each starts, stops, suspends, interrupts
 * and fences the others, and what it is started at may be no code of its.
 */
public final class SbiTarget implements Target {
  private static final int HARTS = 3;

  /** Extensions and how many functions each has, those of before version 0.2 at the end. */
  private static final long[][] CALLS = {
    {0x48534D, 5},
    {0x735049, 2},
    {0x52464E43, 9},
    {0x54494D45, 1},
    {0x4442434E, 4},
    {0x53525354, 1},
    {0x10, 8},
    {1, 1},
    {2, 1},
    {3, 1},
    {4, 1},
    {5, 1},
    {6, 1},
    {7, 1}
  };

  private final MachineTarget machines = new MachineTarget();

  /** A system without machines. */
  public SbiTarget() throws IOException {}

  @Override
  public void run(byte[] bytes) throws IOException {
    Input input = new Input(bytes);
    Assembly assembly = new Assembly(false);
    for (int step = 0; step < 64 && input.hasMore(); step++) {
      assembly.step();
      long[] call = CALLS[input.next(CALLS.length)];
      long function = input.next(8) == 0 ? input.value() : input.next((int) call[1]);
      long a0 = argument(input);
      long a1 = call[0] == CALLS[0][0] && input.next(4) != 0 ? place(input) : argument(input);
      MachineTarget.call(assembly, call[0], function, a0, a1, argument(input));
    }
    assembly.step();
    assembly.word(0x0000006f); // waits for the others to end the machine, or for its time
    machines.run(assembly.elf(), false, HARTS, false);
  }

  /** A hart's number or mask, or anything. */
  private static long argument(Input input) {
    int how = input.next();
    return how < 160 ? how % 8 : how < 176 ? -1 : how < 208 ? place(input) : input.value();
  }

  /** Where code is: the start of the program, mostly, or somewhere in it. */
  private static long place(Input input) {
    int how = input.next();
    return Assembly.SUPERVISOR_BASE + (how < 128 ? 0 : 4L * how);
  }

  @Override
  public List<String> complaints() {
    return machines.complaints();
  }

  @Override
  public void close() {
    machines.close();
  }
}
