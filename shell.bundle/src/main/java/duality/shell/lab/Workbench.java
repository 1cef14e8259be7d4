package duality.shell.lab;

import duality.kernel.EndpointReport;
import duality.servers.Swapper;
import java.util.ArrayList;
import java.util.List;

/** A structure in which the same work is done. Another one is tried by another implementation. */
interface Workbench extends AutoCloseable {
  /** A job of one kind: so many operations at a time. */
  record Work(String name, Kind kind, int operations) {}

  /** What is done. */
  enum Kind {
    /** A command that does nothing: what it takes to give one and to get the answer. */
    NOTHING,
    /** A system call that does nothing. */
    NULL_CALL,
    /** A line of a shell that forks, executes and pipes. */
    SCRIPT,
    /** 4 KiB read from a disk and written to it. */
    COPY,
    /** A page table entry made, used and taken away, by a kernel and not by a program. */
    TABLES
  }

  /** One round of the shell's script: a command substitution, a pipe and two programs. */
  String SCRIPT_ROUND = "x=$(busybox echo $i | busybox cat); [ \"$x\" = $i ] || exit 1";

  /** The script, so many rounds of it. */
  static String script(int rounds) {
    StringBuilder numbers = new StringBuilder();
    for (int i = 1; i <= rounds; i++) {
      numbers.append(' ').append(i);
    }
    return "for i in" + numbers + "; do " + SCRIPT_ROUND + "; done";
  }

  /** Its name. */
  String structure();

  /** The endpoints that its work may cross into; those that are there get dials. */
  List<String> endpoints();

  /** Those of them that handle exits of threads: another thread cannot make their calls. */
  List<String> handlers();

  /** Whether there is such work in it. */
  default boolean can(Kind kind) {
    return kind != Kind.TABLES;
  }

  /** Does it. */
  void run(Work work) throws Exception;

  @Override
  void close();

  /** Puts a dial in front of each of its endpoints that is there; answers which. */
  default List<String> dials(Trial trial) {
    List<Swapper.Move> moves = new ArrayList<>();
    for (EndpointReport each : trial.kernel().endpoints()) {
      if (endpoints().contains(each.path())) {
        moves.add(new Swapper.Move(each.path(), trial.dial().before(each.server()), false));
      }
    }
    Swapper.Swap swap = trial.swapper().swapAll(moves);
    if (!swap.done()) {
      throw new IllegalStateException("the dials do not go in: " + swap.outcome());
    }
    return moves.stream().map(Swapper.Move::endpoint).toList();
  }
}
