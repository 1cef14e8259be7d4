package duality.fuzz;

import duality.vmm.machine.Rig;
import duality.vmm.xen.XenServer;
import java.io.IOException;
import java.util.List;

/**
 * A kernel above {@code vmm.xen} that makes hypercalls with anything: lists and page tables in its
 * memory that lie, pins, roots, grants, events, drivers, several calls at once; and a page table as
 * it should be, so that much of that gets further than the first look.
 */
public final class XenTarget implements Target {
  private static final int CALLS = 15;
  private static final int PAGE = 4096;
  private static final long LIST = Input.RING + 0x8000;
  private static final long TABLES = Input.RING + 0x20000;

  private final MachineTarget machines =
      new MachineTarget(Rig.with("vmm.xen", new XenServer(), 2, 64L << 20));

  /** A system without machines. */
  public XenTarget() throws IOException {}

  @Override
  public void run(byte[] bytes) throws IOException {
    Input input = new Input(bytes);
    Assembly assembly = Assembly.paravirtual(LIST);
    if (input.next(4) != 0) {
      root(assembly);
    }
    for (int step = 0; step < 96 && input.hasMore(); step++) {
      assembly.step();
      if (input.next(3) == 0) {
        assembly.store(place(input) & -8, 8, value(input));
        continue;
      }
      int number = input.next(CALLS);
      boolean list = number < 3 || number == 13 || input.next(4) == 0;
      call(
          assembly,
          number,
          list ? place(input) & -8 : value(input),
          list ? input.next(5) : value(input),
          value(input),
          value(input));
    }
    assembly.step();
    call(assembly, 6, 2, 0, 0, 0); // off
    assembly.word(0x0000006f);
    machines.run(assembly.elf(), false, 1, false);
  }

  /** Gigapages are none of its: three levels that lead from the first 2 MiB above the kernel. */
  private static void root(Assembly assembly) {
    long middle = TABLES + PAGE;
    long low = TABLES + 2 * PAGE;
    assembly.step();
    assembly.store(TABLES + 16, 8, middle >> 2 | 1);
    assembly.store(middle + 8, 8, low >> 2 | 1);
    assembly.store(low, 8, Assembly.SUPERVISOR_BASE >> 2 | 0x0b);
    // Pins the root: an update of kind 2 with the address of the table.
    assembly.store(LIST, 8, TABLES | 3);
    assembly.store(LIST + 8, 8, 2);
    assembly.step();
    call(assembly, 1, LIST, 1, 0, 0);
  }

  private static void call(Assembly assembly, int number, long a0, long a1, long a2, long a3) {
    assembly.li(Assembly.A0 + 3, a3);
    MachineTarget.call(assembly, number, 0, a0, a1, a2);
  }

  /** In the lists, in one of some tables, or anywhere. */
  private static long place(Input input) {
    int how = input.next();
    return how < 96
        ? LIST + 8L * (how & 31)
        : how < 192 ? TABLES + (long) PAGE * (how & 7) + 8L * input.next(4) : input.value();
  }

  /** What would do as an entry, an update's address, a small number; or anything. */
  private static long value(Input input) {
    int how = input.next();
    long page = (how & 8) != 0 ? TABLES + (long) PAGE * (how & 7) : Assembly.SUPERVISOR_BASE;
    return switch (how >> 5) {
      case 0, 1 -> page >> 2 | input.next();
      case 2 -> page | how & 3;
      case 3, 4, 5 -> how & 15;
      default -> input.value();
    };
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
