package duality.vmm.board;

import duality.kernel.processor.HartState;
import java.util.List;

/**
 * The harts of a machine, and what one of them asks about all (SBI 2.0 chapter 9).
 *
 * <p><em>Concurrency:</em> each hart has a thread of its own, so calls come from several at once. A
 * hart that serves a call of its guest never waits for another one, but for a fence, which needs
 * only that the other leaves the engine: so two harts that fence each other do not wait in a
 * circle.
 */
final class Harts {
  /** Where a stopped hart rests, so that it is known by its thread alone: no memory is there. */
  private static final long STOPPED_AT = 0;

  private final List<Vcpu> all;

  Harts(List<Vcpu> all) {
    this.all = List.copyOf(all);
  }

  List<Vcpu> all() {
    return all;
  }

  int count() {
    return all.size();
  }

  Vcpu get(int number) {
    return all.get(number);
  }

  /** The hart whose thread has that number. */
  Vcpu of(int thread) {
    for (Vcpu each : all) {
      if (each.id == thread) {
        return each;
      }
    }
    throw new IllegalArgumentException("thread " + thread + " is no hart of this machine");
  }

  /**
   * Stops them where they are. A hart may start another one while the others are stopped; when all
   * were found at rest in a row, nobody was left to do that.
   */
  void suspend() {
    boolean moved;
    do {
      moved = false;
      for (Vcpu each : all) {
        moved |= !each.atRest() && !each.thread.state().equals("ENDED");
        each.thread.suspend();
      }
    } while (moved);
  }

  /** Lets those go on that are started. */
  void resume() {
    for (Vcpu each : all) {
      if (each.isStarted()) {
        each.thread.resume();
      }
    }
  }

  void weight(int weight) {
    all.forEach(each -> each.thread.weight(weight));
  }

  /** Firmware will see to them: all start at the reset vector. */
  void reset(long entry, long zeroNanos) {
    for (Vcpu each : all) {
      each.restore(HartTree.reset(each.number, entry, zeroNanos));
      each.started(true);
    }
  }

  /** The first one starts the others, by the SBI. */
  void boot(long entry, long tree, long zeroNanos) {
    for (Vcpu each : all) {
      boolean first = each.number == 0;
      each.boot(HartTree.boot(each.number, first ? entry : STOPPED_AT, tree, zeroNanos), tree);
      each.started(first);
    }
  }

  /** Guest time starts at another value of the host's clock; all are at rest. */
  void timeOffset(long zeroNanos) {
    for (Vcpu each : all) {
      each.hart.restore(HartTree.withTimeOffset(each.hart.save(), zeroNanos));
    }
  }

  /** Starts a stopped one; false when it is not stopped. */
  boolean start(int number, long entry, long opaque, long zeroNanos) {
    return get(number).start(HartTree.boot(number, entry, opaque, zeroNanos));
  }

  /** Stops one, for itself; false when nobody would be left to start it again. */
  synchronized boolean stop(Vcpu one) {
    for (Vcpu each : all) {
      if (each != one && each.isStarted()) {
        one.started(false);
        one.thread.pc(STOPPED_AT);
        return true;
      }
    }
    return false;
  }

  /** Which are started, as bits. */
  long started() {
    long bits = 0;
    for (Vcpu each : all) {
      bits |= each.isStarted() ? 1L << each.number : 0;
    }
    return bits;
  }

  void started(long bits) {
    for (Vcpu each : all) {
      each.started((bits >>> each.number & 1) != 0);
    }
  }

  /** Finds out from their threads alone, after an instance that left nothing; says if any runs. */
  boolean startedAsFound() {
    boolean run = all.stream().anyMatch(each -> !each.atRest());
    for (Vcpu each : all) {
      each.started(run ? !each.atRest() : count() == 1 || each.thread.pc() != STOPPED_AT);
    }
    return run;
  }

  boolean settled() {
    return all.stream().allMatch(Vcpu::settled);
  }

  /** Takes all over; false when a part of one is lost. */
  boolean settle() {
    boolean whole = true;
    for (Vcpu each : all) {
      whole &= each.settle();
    }
    return whole;
  }

  long cpuNanos() {
    return all.stream().mapToLong(each -> each.thread.cpuNanos()).sum();
  }

  long instructions() {
    return all.stream().mapToLong(each -> each.thread.instructions()).sum();
  }

  /** One line for each: number, what it is, and what its thread does. */
  String describe() {
    StringBuilder text = new StringBuilder();
    for (Vcpu each : all) {
      text.append(each.thread.name())
          .append(each.isStarted() ? " started, " : " stopped, ")
          .append(each.thread.state().toLowerCase(java.util.Locale.ROOT))
          .append(", ")
          .append(each.thread.instructions())
          .append(" instructions\n");
    }
    return text.toString().stripTrailing();
  }

  /** What they are now, as states; all are at rest. */
  List<HartState> save() {
    return all.stream().map(each -> each.hart.save()).toList();
  }

  /** What is wrong with one that should be like that; empty for nothing. */
  String strange(boolean running) {
    for (Vcpu each : all) {
      String does = each.thread.state();
      String name = count() == 1 ? "its hart" : "its hart " + each.number;
      if (does.equals("ENDED")) {
        return count() == 1 ? "the hart has ended" : "hart " + each.number + " has ended";
      }
      boolean rests = does.equals("SUSPENDED");
      if (running && each.isStarted() && rests) {
        return "the machine is on, and " + name + " is suspended";
      }
      if (!running && !rests) {
        return "the machine is not running, and " + name + " is " + does;
      }
    }
    return "";
  }
}
