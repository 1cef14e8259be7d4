package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Context;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.kernel.State;
import duality.servers.Root;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each system call, on a real space with a real pager, without a program. */
@Timeout(600)
class SystemCallsTest {
  private static final int BRK = 214;
  private static final int MUNMAP = 215;
  private static final int MMAP = 222;
  private static final int MPROTECT = 226;
  private static final int WRITE = 64;
  private static final int WRITEV = 66;
  private static final long PAGE = 4096;
  private static final long LIMIT = 16 << 20;
  private static final int ANONYMOUS = 0x22;
  private static final int FIXED = ANONYMOUS | 0x10;

  private final TestSystem system = new TestSystem();
  private final StringBuilder printed = new StringBuilder();
  private Space space;
  private Linux linux;
  private Process process;
  private AddressSpace memory;
  private SystemCalls calls;
  private long heap;

  @BeforeEach
  void open() throws Exception {
    Context context = system.context();
    space = context.space("memory");
    Pager pager =
        context.child(
            "pager",
            Pager.class,
            Map.of("quota", "" + LIMIT),
            Map.of("space", space, "root", context.slot("root", Root.class)));
    linux = linux(context, new MainMemory(space, pager, LIMIT));
    calls = new SystemCalls(linux);
    process = linux.put(1, linux.slot(0));
    linux.lastPid = 1;
    linux.files().fill(process, 0);
    for (int i = 0; i < 3; i++) {
      int flags = i == 0 ? 0 : 1;
      process
          .files()
          .put(i, new TerminalFile(linux.terminal(), linux.files().pipe(), flags), false);
    }
    byte[] program = new TinyProgram().exit(0).elf("");
    RegularFile file =
        linux
            .files()
            .makeFile(linux.files().find(process, linux.files().root(), "/tiny", false), 0755);
    file.write(0, program, program.length, 0);
    new ProcessCalls(linux).load(process, "/tiny", List.of("/tiny"), List.of());
    memory = process.space();
    heap = call(BRK, 0);
  }

  private Linux linux(Context context, MainMemory main) {
    return new Linux(
        context,
        main,
        new Random(1),
        id -> id > 7 ? -1 : 1_700_000_000_123_456_789L,
        new Terminal.Line() {
          @Override
          public String input() {
            return "";
          }

          @Override
          public void output(String bytes) {
            printed.append(bytes);
          }
        },
        false,
        null);
  }

  @AfterEach
  void close() {
    system.close();
  }

  private long call(int number, long... arguments) {
    return calls.serve(process, number, i -> i < arguments.length ? arguments[i] : 0);
  }

  private void put(long address, String text) {
    try {
      memory.memory().write(address, text.getBytes());
    } catch (UserMemory.Fault e) {
      throw new AssertionError("no memory at 0x" + Long.toHexString(address));
    }
  }

  private byte[] get(long address, int length) {
    try {
      return memory.memory().read(address, length);
    } catch (UserMemory.Fault e) {
      throw new AssertionError("no memory at 0x" + Long.toHexString(address));
    }
  }

  private boolean mayRead(long address) {
    try {
      memory.memory().read(address, 1);
      return true;
    } catch (UserMemory.Fault e) {
      return false;
    }
  }

  private boolean mayWrite(long address) {
    try {
      memory.memory().write(address, new byte[1]);
      return true;
    } catch (UserMemory.Fault e) {
      return false;
    }
  }

  @Test
  void writePrintsBytesOfStandardOutputAndError() {
    call(BRK, heap + PAGE);
    put(heap, "hello\377");
    assertEquals(5, call(WRITE, 1, heap, 5));
    assertEquals(2, call(WRITE, 2, heap + 3, 2));
    assertEquals(0, call(WRITE, 1, heap, 0));
    assertEquals("hellolo", printed.toString());
    assertEquals(Errno.EBADF, call(WRITE, 0, heap, 5));
    assertEquals(Errno.EBADF, call(WRITE, 3, heap, 5));
    assertEquals(Errno.EBADF, call(WRITE, -1, heap, 5));
    assertEquals(Errno.EINVAL, call(WRITE, 1, heap, -1));
  }

  @Test
  void wrongAddressesAreErrorsAndPrintNothing() {
    call(BRK, heap + PAGE);
    for (long wrong :
        new long[] {
          0,
          8,
          -1,
          -4096,
          Long.MIN_VALUE,
          Long.MAX_VALUE,
          0x20_0000_0000L,
          heap + PAGE,
          heap + PAGE - 2,
          AddressSpace.HIGHEST - 2,
          AddressSpace.HIGHEST
        }) {
      String at = "0x" + Long.toHexString(wrong);
      assertEquals(Errno.EFAULT, call(WRITE, 1, wrong, 4), "write " + at);
      assertEquals(Errno.EFAULT, call(WRITEV, 1, wrong, 1), "writev " + at);
      assertEquals(Errno.EFAULT, call(113, 1, wrong), "clock_gettime " + at);
      assertEquals(Errno.EFAULT, call(160, wrong), "uname " + at);
      assertEquals(Errno.EFAULT, call(80, 1, wrong), "fstat " + at);
      assertEquals(Errno.EFAULT, call(278, wrong, 16), "getrandom " + at);
    }
    assertEquals(Errno.EFAULT, call(WRITE, 1, heap, 1 << 20), "a length beyond the heap");
    assertEquals("", printed.toString());
  }

  @Test
  void writevGathersAndChecksItsVectors() {
    call(BRK, heap + PAGE);
    put(heap + 512, "onetwo");
    ByteBuffer vectors = UserMemory.numbers(48);
    vectors.putLong(heap + 512).putLong(3).putLong(0).putLong(0).putLong(heap + 515).putLong(3);
    put(heap, "");
    put(heap, vectors);
    assertEquals(6, call(WRITEV, 1, heap, 3));
    assertEquals("onetwo", printed.toString());
    assertEquals(0, call(WRITEV, 1, heap, 0));
    assertEquals(Errno.EINVAL, call(WRITEV, 1, heap, -1));
    assertEquals(Errno.EINVAL, call(WRITEV, 1, heap, 1025));
    put(heap, UserMemory.numbers(16).putLong(heap).putLong(-3));
    assertEquals(Errno.EINVAL, call(WRITEV, 1, heap, 1));
    put(heap, UserMemory.numbers(16).putLong(8).putLong(3));
    assertEquals(Errno.EFAULT, call(WRITEV, 1, heap, 1));
  }

  private void put(long address, ByteBuffer numbers) {
    try {
      memory.memory().write(address, numbers);
    } catch (UserMemory.Fault e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aLargeWriteIsTakenInPartAndRestsForTheNext() {
    call(BRK, heap + 100_000);
    assertEquals(65_536, call(WRITE, 1, heap, 100_000));
    assertEquals(34_464, call(WRITE, 1, heap + 65_536, 34_464));
    assertEquals(100_000, printed.length());
  }

  @Test
  void theHeapGrowsZeroAndEndsWhereTheBreakIs() {
    assertEquals(heap, call(BRK, heap - 1), "below its start: where it is");
    assertEquals(heap, call(BRK, heap));
    assertTrue(!mayRead(heap), "an empty heap has no page");
    for (long size = 100; size < LIMIT / 2; size = size * 3 / 2) {
      assertEquals(heap + size, call(BRK, heap + size));
      assertTrue(mayWrite(heap + size - 1), "the last byte of " + size);
      long after = (heap + size + PAGE - 1) / PAGE * PAGE;
      assertTrue(!mayRead(after), "the page behind the break at " + size);
    }
    put(heap + 3 * PAGE, "secret");
    assertEquals(heap + 10, call(BRK, heap + 10));
    assertTrue(!mayRead(heap + 3 * PAGE), "given back");
    call(BRK, heap + 5 * PAGE);
    assertArrayEquals(new byte[6], get(heap + 3 * PAGE, 6), "what comes again is zero");
    assertEquals(heap + 5 * PAGE, call(BRK, heap + LIMIT), "beyond the limit: where it is");
    assertEquals(heap + 5 * PAGE, call(BRK, -1));
    assertEquals(heap + 5 * PAGE, call(BRK, Long.MAX_VALUE));
  }

  @Test
  void theHeapStopsAtAMapping() {
    long mapped = call(MMAP, heap + 8 * PAGE, PAGE, 3, FIXED, -1, 0);
    assertEquals(heap + 8 * PAGE, mapped);
    put(mapped, "mine");
    assertEquals(heap + 8 * PAGE, call(BRK, heap + 8 * PAGE));
    assertEquals(heap + 8 * PAGE, call(BRK, heap + 8 * PAGE + 1));
    assertArrayEquals("mine".getBytes(), get(mapped, 4));
  }

  @Test
  void mappingsAreZeroDisjointAndGivenBack() {
    long first = call(MMAP, 0, 3 * PAGE, 3, ANONYMOUS, -1, 0);
    long second = call(MMAP, 0, 1, 3, ANONYMOUS, -1, 0);
    assertTrue(first > heap && second > heap && first % PAGE == 0 && second % PAGE == 0);
    assertTrue(second + PAGE <= first || second >= first + 3 * PAGE, "they overlap");
    put(first + 2 * PAGE, "x");
    assertEquals(0, call(MUNMAP, first, 3 * PAGE));
    assertTrue(!mayRead(first + 2 * PAGE));
    assertEquals(first, call(MMAP, first, 3 * PAGE, 3, ANONYMOUS, -1, 0), "a wish that is free");
    assertArrayEquals(new byte[1], get(first + 2 * PAGE, 1));
    assertNotEquals(first, call(MMAP, first, PAGE, 3, ANONYMOUS, -1, 0), "a wish that is taken");
  }

  @Test
  void aHoleInAMappingIsAHoleUntilSomethingIsPutThere() {
    long at = call(MMAP, 0, 10 * PAGE, 3, ANONYMOUS, -1, 0);
    put(at + 4 * PAGE, "old");
    put(at + 9 * PAGE, "kept");
    assertEquals(0, call(MUNMAP, at + 3 * PAGE, 3 * PAGE));
    assertTrue(mayRead(at + 2 * PAGE) && !mayRead(at + 4 * PAGE) && mayRead(at + 6 * PAGE));
    assertEquals(Errno.ENOMEM, call(MPROTECT, at, 10 * PAGE, 1), "over a hole");
    assertEquals(at + 4 * PAGE, call(MMAP, at + 4 * PAGE, PAGE, 3, FIXED, -1, 0));
    assertArrayEquals(new byte[3], get(at + 4 * PAGE, 3), "zero again");
    assertEquals(0, call(MUNMAP, at, 9 * PAGE));
    assertArrayEquals("kept".getBytes(), get(at + 9 * PAGE, 4));
    assertEquals(0, call(MUNMAP, at, 10 * PAGE), "twice is no error");
  }

  @Test
  void aFixedMappingReplacesWhatIsThereUnlessToldNotTo() {
    long at = call(MMAP, 0, 4 * PAGE, 3, ANONYMOUS, -1, 0);
    put(at + PAGE, "old");
    assertEquals(
        Errno.EEXIST, call(MMAP, at + PAGE, PAGE, 3, ANONYMOUS | 0x100000, -1, 0), "NOREPLACE");
    assertEquals(at + PAGE, call(MMAP, at + PAGE, PAGE, 1, FIXED, -1, 0));
    assertArrayEquals(new byte[3], get(at + PAGE, 3));
    assertTrue(!mayWrite(at + PAGE) && mayWrite(at + 2 * PAGE));
    assertEquals(Errno.EINVAL, call(MMAP, at + 1, PAGE, 3, FIXED, -1, 0), "not aligned");
    assertEquals(Errno.ENOMEM, call(MMAP, 0, PAGE, 3, FIXED, -1, 0), "page 0");
    assertEquals(Errno.ENOMEM, call(MMAP, AddressSpace.HIGHEST, PAGE, 3, FIXED, -1, 0));
  }

  @Test
  void impossibleMappingsAreErrors() {
    assertEquals(Errno.EINVAL, call(MMAP, 0, 0, 3, ANONYMOUS, -1, 0));
    assertEquals(Errno.EINVAL, call(MMAP, 0, -1, 3, ANONYMOUS, -1, 0));
    assertEquals(Errno.EINVAL, call(MMAP, 0, PAGE, 8, ANONYMOUS, -1, 0));
    assertEquals(Errno.EBADF, call(MMAP, 0, PAGE, 3, 2, 5, 0), "no file");
    assertEquals(Errno.ENODEV, call(MMAP, 0, PAGE, 1, 2, 0, 0), "a pipe");
    assertEquals(Errno.ENOMEM, call(MMAP, 0, LIMIT, 3, ANONYMOUS, -1, 0), "more than its memory");
    assertEquals(Errno.ENOMEM, call(MMAP, 0, Long.MAX_VALUE, 3, ANONYMOUS, -1, 0));
    assertEquals(Errno.ENOMEM, call(MMAP, 0, 100 * LIMIT, 0, ANONYMOUS, -1, 0));
    assertEquals(Errno.EINVAL, call(MUNMAP, 1, PAGE));
    assertEquals(Errno.EINVAL, call(MUNMAP, -4096, PAGE));
    assertEquals(Errno.EINVAL, call(MUNMAP, PAGE, 0));
    assertEquals(Errno.EINVAL, call(MPROTECT, 1, PAGE, 1));
    assertEquals(Errno.EINVAL, call(MPROTECT, PAGE, PAGE, 8));
    assertEquals(Errno.ENOMEM, call(MPROTECT, PAGE, PAGE, 1));
    assertEquals(Errno.ENOMEM, call(MPROTECT, -4096, PAGE, 1));
    assertEquals(Errno.ENOMEM, call(MPROTECT, PAGE, Long.MAX_VALUE - PAGE, 1));
  }

  @Test
  void aReservationIsOpenedPageByPage() {
    long at = call(MMAP, 0, 2 * LIMIT, 0, ANONYMOUS, -1, 0);
    assertTrue(at > 0, "a reservation may be larger than the memory: " + at);
    assertTrue(!mayRead(at + 8 * PAGE));
    assertEquals(0, call(MPROTECT, at + 8 * PAGE, PAGE, 3));
    assertTrue(mayWrite(at + 8 * PAGE) && !mayRead(at + 7 * PAGE) && !mayRead(at + 9 * PAGE));
    assertEquals(0, call(MPROTECT, at + 8 * PAGE, PAGE, 1));
    assertTrue(mayRead(at + 8 * PAGE) && !mayWrite(at + 8 * PAGE));
  }

  @Test
  void manySmallMappingsEndWithAnError() {
    int mapped = 0;
    while (call(MMAP, 0, PAGE, 3, ANONYMOUS, -1, 0) > 0) {
      mapped++;
      assertTrue(mapped < 5000, "no end");
    }
    assertTrue(mapped > 1000, "only " + mapped);
  }

  @Test
  void clocksAreTheOnesOfTheHost() {
    call(BRK, heap + PAGE);
    assertEquals(0, call(113, 1, heap));
    ByteBuffer time = ByteBuffer.wrap(get(heap, 16)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    assertEquals(1_700_000_000L, time.getLong());
    assertEquals(123_456_789L, time.getLong());
    assertEquals(Errno.EINVAL, call(113, 99, heap));
    assertEquals(0, call(114, 1, 0));
    assertEquals(0, call(169, heap, 0));
    assertEquals(123_456L, getLong(heap + 8), "microseconds");
  }

  private long getLong(long address) {
    return ByteBuffer.wrap(get(address, 8)).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
  }

  @Test
  void signalsGoToProcessesThatAreThere() {
    assertEquals(1, call(172));
    assertEquals(1, call(96, heap));
    assertEquals(Errno.ESRCH, call(129, 77, 9));
    assertEquals(Errno.EINVAL, call(129, 1, 65));
    assertEquals(0, call(129, 1, 0));
    assertTrue(!process.signals().deliverable());
    assertEquals(0, call(131, 1, 1, 6));
    assertEquals(6, process.signals().take());
    call(94, 0x1ff);
    assertTrue(process.hasEnded());
    assertEquals(255 << 8, process.waitStatus());
    assertEquals(SystemCalls.UNSERVED, call(280), "bpf");
    assertEquals(SystemCalls.UNSERVED, call(-1));
  }

  @Test
  void randomCallsWithRandomArgumentsNeverThrow() {
    long seed = 4711;
    Random random = new Random(seed);
    long[] interesting = {
      0,
      1,
      -1,
      heap,
      heap + 1,
      PAGE,
      LIMIT,
      AddressSpace.HIGHEST,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      0x3f_f000_0000L,
      1L << 32,
      3,
      7,
      0x22,
      0x32,
      0x1000
    };
    call(BRK, heap + 20 * PAGE);
    for (int i = 0; i < 20_000; i++) {
      long[] arguments = new long[6];
      for (int a = 0; a < 6; a++) {
        long base = interesting[random.nextInt(interesting.length)];
        arguments[a] = random.nextInt(3) == 0 ? base + random.nextInt(20) * PAGE : base;
      }
      int number = random.nextInt(3) == 0 ? random.nextInt(450) : 214 + random.nextInt(13);
      try {
        call(number, arguments);
      } catch (RuntimeException e) {
        throw new AssertionError(
            "call "
                + number
                + java.util.Arrays.toString(arguments)
                + ", round "
                + i
                + ", seed "
                + seed,
            e);
      }
    }
  }

  @Test
  void aSuccessorHasTheSameMemoryAndFiles() throws Exception {
    call(BRK, heap + 5 * PAGE);
    long at = call(MMAP, 0, 10 * PAGE, 3, ANONYMOUS, -1, 0);
    put(at, "kept");
    call(MUNMAP, at + 2 * PAGE, PAGE);
    call(MPROTECT, at + 4 * PAGE, PAGE, 0);
    put(heap, "/tmp/file\0");
    long open = call(56, -100, heap, 0102, 0600);
    assertEquals(3, open);
    assertEquals(9, call(WRITE, open, heap, 9));
    restore(LinuxState.save(linux));
    assertEquals(heap + 5 * PAGE, call(BRK, 0));
    assertArrayEquals("kept".getBytes(), get(at, 4));
    assertEquals(Errno.ENOMEM, call(MPROTECT, at + 2 * PAGE, PAGE, 1), "the hole");
    assertEquals(0, call(MPROTECT, at + 4 * PAGE, PAGE, 1));
    assertEquals(0, call(62, open, 0, 0), "back to the start");
    assertEquals(9, call(63, open, heap + PAGE, 100));
    assertArrayEquals("/tmp/file".getBytes(), get(heap + PAGE, 9));
    linux.end(process, 0, "");
    linux.memory().release();
    assertEquals(0, space.mappedPages());
  }

  /** Goes on with a system that knows only what the state says. */
  private void restore(State saved) {
    Linux next = linux(system.probed(), linux.memory());
    LinuxState.restore(next, saved);
    linux = next;
    calls = new SystemCalls(linux);
    process = linux.init();
    memory = process.space();
  }

  @Test
  void malformedBooksAreRefused() {
    State good = LinuxState.save(linux);
    State process = good.states("processes").getFirst();
    State space = process.state("space");
    long[] areas = space.numbers("areas");
    long[] twice = Arrays.copyOf(areas, 2 * areas.length);
    System.arraycopy(areas, 0, twice, areas.length, areas.length);
    long[] pages = space.numbers("pages");
    pages[1] = 1 << 20;
    for (State wrong :
        List.of(
            State.of("linux", 2),
            good.with("processes", List.of()),
            good.with("nodes", List.of()),
            good.with("nodes", List.of(good.states("nodes").get(1))),
            good.with("slots", 0),
            good.with("memory", State.of("memory", 2).with("covered", 1).with("owners", areas)),
            changed(good, process.with("slot", 5)),
            changed(good, process.with("directory", 999)),
            changed(good, process.with("space", space.with("heapBreak", 0))),
            changed(good, process.with("space", space.with("heapStart", -1))),
            changed(good, process.with("space", space.with("areas", twice))),
            changed(good, process.with("space", space.with("areas", new long[5]))),
            changed(good, process.with("space", space.with("pages", pages))))) {
      assertThrows(State.Refused.class, () -> restore(wrong), () -> "state " + wrong);
    }
    restore(good);
  }

  private static State changed(State linux, State process) {
    return linux.with("processes", List.of(process));
  }
}
