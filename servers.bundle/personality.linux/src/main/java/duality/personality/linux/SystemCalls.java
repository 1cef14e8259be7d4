package duality.personality.linux;

/**
 * The table of system calls, by their numbers on RISC-V (include/uapi/asm-generic/unistd.h).
 * Arguments are in a0 to a5; the answer, or a negative error number, goes to a0.
 */
final class SystemCalls {
  /** Registers of the arguments, and of the call's number. */
  static final int A0 = 10;

  static final int A7 = 17;

  /** The call that gives the processor up. */
  static final int SCHED_YIELD = 124;

  /** Answer of {@link #serve}: the call is none of those that are served. */
  static final long UNSERVED = Long.MIN_VALUE;

  /** The caller has to wait; the call is served again when something has happened. */
  static final long BLOCKED = Long.MIN_VALUE + 1;

  /** The caller's registers are what they have to be: it goes on there, and not behind the call. */
  static final long ELSEWHERE = Long.MIN_VALUE + 2;

  /** Registers a0 to a5, in this order. */
  interface Arguments {
    long get(int index);

    /** The same as a number of 32 bits. */
    default int number(int index) {
      return (int) get(index);
    }
  }

  /** One call. */
  interface Call {
    long serve(Process caller, Arguments a) throws Failed;
  }

  private static final int SIZE = 512;

  private final Call[] calls = new Call[SIZE];
  private final String[] names = new String[SIZE];

  SystemCalls(Linux linux) {
    new MemoryCalls(linux).register(this);
    new ProcessCalls(linux).register(this);
    new SignalCalls(linux).register(this);
    new DescriptorCalls(linux).register(this);
    new PathCalls(linux).register(this);
    new WaitCalls(linux).register(this);
    new SystemQueries(linux).register(this);
    for (Object[] known : NOT_SERVED) {
      names[(int) known[0]] = (String) known[1];
    }
  }

  /** Known and not served; programs that ask for them go on without. */
  private static final Object[][] NOT_SERVED = {
    {98, "futex"},
    {198, "socket"},
    {216, "mremap"},
    {258, "riscv_hwprobe"},
    {293, "rseq"},
    {435, "clone3"},
  };

  /** Puts a call into the table. */
  void add(int number, String name, Call call) {
    if (calls[number] != null) {
      throw new IllegalStateException("two calls of number " + number + ": " + name);
    }
    calls[number] = call;
    names[number] = name;
  }

  /** Serves one call; answers what goes to a0, or one of the constants above. */
  long serve(Process caller, long number, Arguments a) {
    Call call = number >= 0 && number < SIZE ? calls[(int) number] : null;
    if (call == null) {
      return UNSERVED;
    }
    try {
      return call.serve(caller, a);
    } catch (Failed e) {
      return e.errno();
    }
  }

  /** A call's name, for the log. */
  String name(long number) {
    String name = number >= 0 && number < SIZE ? names[(int) number] : null;
    return name == null ? "" : " (" + name + ")";
  }
}
