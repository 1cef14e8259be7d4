package duality.bench.call;

import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;

/** The protocol of the call benchmark, and three servers of it with a class each. */
@Protocol(rank = Protocol.BACKEND)
public interface Adder {
  /** Adds to a running sum and answers it. */
  long add(long value);

  /** A server: a plain field, as its only caller is the benchmark's thread. */
  final class First implements Adder, Instance {
    private long sum;

    @Override
    public long add(long value) {
      return sum += value;
    }

    @Override
    public State save() {
      return State.of("adder", 1).with("sum", sum);
    }
  }

  /** The same with another class. */
  final class Second implements Adder, Instance {
    private long sum;

    @Override
    public long add(long value) {
      return sum -= value;
    }

    @Override
    public State save() {
      return State.of("adder", 1).with("sum", sum);
    }
  }

  /** The same with a third class. */
  final class Third implements Adder, Instance {
    private long sum;

    @Override
    public long add(long value) {
      return sum ^= value;
    }

    @Override
    public State save() {
      return State.of("adder", 1).with("sum", sum);
    }
  }
}
