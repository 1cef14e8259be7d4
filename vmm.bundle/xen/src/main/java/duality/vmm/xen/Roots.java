package duality.vmm.xen;

import duality.kernel.Context;
import duality.kernel.State;
import duality.vmm.board.Parts;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** The core spaces of root tables, as many as are remembered; the one used longest ago goes. */
final class Roots {
  private static final int MOST = 32;

  private final Context context;
  private final BitSet taken = new BitSet();

  /** The most recently used one last. */
  private final List<Table> owners = new ArrayList<>();

  Roots(Context context) {
    this.context = context;
  }

  /** An empty core space for a root. */
  Root take(Table table) {
    if (owners.size() == MOST) {
      Table oldest = owners.removeFirst();
      Root its = oldest.root;
      if (its != null) {
        oldest.root = null;
        free(its);
      }
    }
    int number = taken.nextClearBit(0);
    taken.set(number);
    owners.add(table);
    return new Root(number, context.space(Parts.SHADOW + number), new long[0]);
  }

  /** That one is in use now. */
  void used(Table table) {
    if (owners.getLast() != table) {
      owners.remove(table);
      owners.add(table);
    }
  }

  void free(Root root) {
    root.clear();
    taken.clear(root.number);
    owners.removeIf(table -> table.root == root || table.root == null);
  }

  List<State> save() {
    List<State> saved = new ArrayList<>();
    for (Table table : owners) {
      Root root = table.root;
      if (root != null) {
        saved.add(
            State.of("root", 1)
                .with("page", table.page)
                .with("number", root.number)
                .with("windows", root.windows()));
      }
    }
    return saved;
  }

  /** Goes on with the core spaces that a predecessor left. */
  void restore(List<State> saved, PageTables tables) {
    for (State each : saved) {
      each.expect("root", 1);
      Table table = tables.table(each.number("page"));
      int number = (int) each.number("number", 0, MOST - 1);
      if (table == null || table.level != Table.TOP || table.root != null || taken.get(number)) {
        throw new State.Refused("root.page " + each.number("page") + " is no root of the guest's");
      }
      taken.set(number);
      owners.add(table);
      table.root = new Root(number, context.space(Parts.SHADOW + number), each.numbers("windows"));
    }
  }

  /** Ends them all; nobody runs there. */
  void reset() {
    owners.clear();
    taken.clear();
    for (int i = 0; i < MOST; i++) {
      context.removeSpace(Parts.SHADOW + i);
    }
  }
}
