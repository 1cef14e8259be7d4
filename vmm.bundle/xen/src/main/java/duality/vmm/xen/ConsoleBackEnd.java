package duality.vmm.xen;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.drivers.Console;
import duality.drivers.Slots;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The back half of the console: two rings of bytes in one page. Words of 32 bits that only grow: at
 * 0 what the guest has taken of the input, at 4 how much there was, at 8 what was taken of the
 * output, at 12 how much the guest has put there; input from 1024 on, output from 2048 on.
 */
final class ConsoleBackEnd extends RingBackEnd {
  private static final int INPUT_TAKEN = 0;
  private static final int INPUT_PUT = 4;
  private static final int OUTPUT_TAKEN = 8;
  private static final int OUTPUT_PUT = 12;
  private static final int INPUT = 1024;
  private static final int INPUT_BYTES = 1024;
  private static final int OUTPUT = 2048;
  private static final int OUTPUT_BYTES = 2048;

  private final Console console;

  // Our own counters: what is in the page the guest can write.
  private int inputPut;
  private int outputTaken;

  /** The ring is a predecessor's: how far that came is to be found in its page. */
  private boolean resuming;

  ConsoleBackEnd(Context context, @Nullable State saved) {
    super(context);
    console = context.slot(Slots.BACKEND, Console.class);
    if (saved != null) {
      restoreRing(saved);
      inputPut = (int) saved.number("inputPut");
      outputTaken = (int) saved.number("outputTaken");
      resuming = connected();
    }
    begin();
  }

  @Override
  boolean work(@Nullable Grant page) throws Lies {
    if (page == null) {
      return false;
    }
    if (resuming) {
      resuming = false;
      // After a crash the state is that of the beginning. What a guest writes there is its own.
      inputPut = page.getInt(INPUT_PUT);
      outputTaken = page.getInt(OUTPUT_TAKEN);
    }
    boolean wrote = output(page);
    return input(page) || wrote;
  }

  private boolean output(Grant page) throws Lies {
    int put = page.getInt(OUTPUT_PUT);
    int count = put - outputTaken;
    if (count == 0) {
      return false;
    }
    if (count < 0 || count > OUTPUT_BYTES) {
      throw new Lies(count + " bytes of output");
    }
    byte[] bytes = new byte[count];
    copy(page, bytes, outputTaken);
    console.written(new String(bytes, ISO_8859_1));
    outputTaken = put;
    page.setInt(OUTPUT_TAKEN, put);
    return count == OUTPUT_BYTES; // who fills the ring may wait for room
  }

  private static void copy(Grant page, byte[] to, int from) {
    MemorySegment all = MemorySegment.ofArray(to);
    int at = from & OUTPUT_BYTES - 1;
    int first = Math.min(to.length, OUTPUT_BYTES - at);
    page.read(OUTPUT + at, all, 0, first);
    page.read(OUTPUT, all, first, to.length - first);
  }

  private boolean input(Grant page) throws Lies {
    int waiting = inputPut - page.getInt(INPUT_TAKEN);
    if (waiting < 0 || waiting > INPUT_BYTES) {
      throw new Lies(waiting + " bytes of input are waiting");
    }
    int room = INPUT_BYTES - waiting;
    byte[] bytes = room == 0 ? new byte[0] : console.input(room).getBytes(ISO_8859_1);
    for (byte each : bytes) {
      page.setByte(INPUT + (inputPut & INPUT_BYTES - 1), each);
      inputPut++;
    }
    page.setInt(INPUT_PUT, inputPut);
    return bytes.length > 0;
  }

  @Override
  long untaken(Grant page) {
    return page.getInt(OUTPUT_PUT) == outputTaken ? NOTHING : outputTaken & 0xffff_ffffL;
  }

  @Override
  void fresh(Grant page) {
    inputPut = 0;
    outputTaken = 0;
    for (int at = 0; at <= OUTPUT_PUT; at += 4) {
      page.setInt(at, 0);
    }
  }

  @Override
  void left() {
    resuming = false;
  }

  @Override
  boolean uses(int grant) {
    return false;
  }

  @Override
  State save(State state) {
    return state.with("inputPut", inputPut).with("outputTaken", outputTaken);
  }

  @Override
  String schema() {
    return "xen.console";
  }

  @Override
  public long sizeBytes() {
    return 0;
  }

  @Override
  public boolean readOnly() {
    return false;
  }
}
