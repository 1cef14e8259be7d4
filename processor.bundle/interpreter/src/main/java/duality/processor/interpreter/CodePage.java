package duality.processor.interpreter;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One page of code, decoded as far as it was reached.
 *
 * <p>Records lie in {@link #code} in the order in which straight runs were found, so that falling
 * through is the next index; {@link #index} finds the record of an address. Decoding works on a
 * copy of the page made when it was first entered: a store to the page is seen after {@code
 * fence.i}, when the copy is compared with memory, which is all that RISC-V promises (Unpriv.
 * "Zifencei"), and after an {@code sfence.vma} of everything.
 */
final class CodePage {
  private static final int HALFWORDS = 2048;
  private static final ValueLayout.OfShort HALFWORD =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Host address of the page. */
  final long host;

  /** Value of {@link CodeCache#stamp} when the copy was last known to be equal to memory. */
  int stamp;

  /**
   * Decoded records; replaced when it grows. The length is a power of two, for {@link Loop}'s sake.
   */
  long[] code = new long[256];

  /** Index of the record of each halfword plus one; 0 where nothing is decoded. */
  final char[] index = new char[HALFWORDS];

  /**
   * Records for an instruction that goes on in the next page, and the second half they were made
   * from.
   */
  long[] crossCode = {};

  private int crossHigh = -1;
  private int count;
  private final byte[] copy = new byte[2 * HALFWORDS];
  private final MemorySegment copySegment = MemorySegment.ofArray(copy);

  // Work of one decode: branch records waiting for their target's index, and targets not decoded
  // yet.
  private int[] branches = new int[32];
  private int branchCount;

  CodePage(long host) {
    this.host = host;
    take();
  }

  private void take() {
    MemorySegment.copy(Host.ALL, host, copySegment, 0, copy.length);
  }

  /** Compares with memory and forgets all that was decoded when it is not the same any more. */
  void validate() {
    long end = host + copy.length;
    if (MemorySegment.mismatch(Host.ALL, host, end, copySegment, 0, copy.length) >= 0) {
      take();
      Arrays.fill(index, (char) 0);
      count = 0;
      crossHigh = -1;
    }
  }

  /** The instruction word at a byte offset, without what lies behind the page. */
  int word(int offset) {
    int low = halfword(offset >>> 1);
    if ((low & 3) != 3) {
      return low;
    }
    return low | (offset == 4094 ? Math.max(crossHigh, 0) : halfword((offset >>> 1) + 1)) << 16;
  }

  private int halfword(int at) {
    return copySegment.getAtIndex(HALFWORD, at) & 0xffff;
  }

  /**
   * Decodes everything in the page that is reachable from a halfword; answers that one's record
   * index.
   */
  int decode(int halfword) {
    branchCount = 0;
    int first = count;
    run(halfword);
    for (int b = 0; b < branchCount; b++) {
      int target = target(code[branches[b]]);
      if (target >= 0 && index[target] == 0) {
        run(target);
      }
    }
    for (int b = 0; b < branchCount; b++) {
      link(branches[b]);
    }
    return index[halfword] == 0 ? first : index[halfword] - 1;
  }

  /** The halfword in this page to which a branch record leads, or -1. */
  private static int target(long record) {
    long to = Decoder.offset(record) + Decoder.imm(record);
    return to >= 0 && to < 2 * HALFWORDS ? (int) to >>> 1 : -1;
  }

  private void link(int at) {
    long record = code[at];
    int target = target(record);
    int to = target >= 0 ? index[target] - 1 : count;
    if (target < 0) {
      append(far(record));
    }
    code[at] = Decoder.linked(record, to);
  }

  private static long far(long branch) {
    return Decoder.record(Ops.FAR, 0, 0, 0, Decoder.offset(branch) + Decoder.imm(branch));
  }

  private void run(int from) {
    int at = from;
    while (at < HALFWORDS) {
      if (index[at] != 0) {
        append(Decoder.record(Ops.GOTO, 0, 0, 0, index[at] - 1));
        return;
      }
      int low = halfword(at);
      boolean wide = (low & 3) == 3;
      long record;
      if (!wide) {
        int word = Compressed.expand(low);
        record = (word == 0 ? Ops.ILLEGAL : Decoder.decode(word)) | Decoder.SHORT;
      } else if (at == HALFWORDS - 1) {
        record = Ops.CROSS;
      } else {
        record = Decoder.decode(low | halfword(at + 1) << 16);
      }
      record = Decoder.at(record, at);
      index[at] = (char) (count + 1);
      if (Decoder.branches(record)) {
        if (branchCount == branches.length) {
          branches = Arrays.copyOf(branches, 2 * branchCount);
        }
        branches[branchCount++] = count;
      }
      append(record);
      if (Decoder.ends(record) || Decoder.op(record) == Ops.CROSS) {
        return;
      }
      at += wide ? 2 : 1;
    }
    append(Decoder.record(Ops.FAR, 0, 0, 0, 2 * HALFWORDS));
  }

  private void append(long record) {
    if (count == code.length) {
      code = Arrays.copyOf(code, 2 * count);
    }
    code[count++] = record;
  }

  /** Makes {@link #crossCode} for the second half {@code high} of the page's last instruction. */
  void cross(int high) {
    if (high == crossHigh) {
      return;
    }
    crossHigh = high;
    long record = Decoder.at(Decoder.decode(halfword(HALFWORDS - 1) | high << 16), HALFWORDS - 1);
    long next = Decoder.record(Ops.FAR, 0, 0, 0, 2 * HALFWORDS + 2);
    crossCode =
        Decoder.branches(record)
            ? new long[] {Decoder.linked(record, 2), next, far(record), 0}
            : new long[] {record, next, 0, 0};
  }
}
