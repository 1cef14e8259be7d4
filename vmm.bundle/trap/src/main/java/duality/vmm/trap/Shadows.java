package duality.vmm.trap;

import duality.vmm.board.GuestMemory;
import duality.vmm.board.Parts;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The guest's address spaces that are remembered, by root and ASID, the one used longest ago last;
 * and what each of them has yet to hear of {@code sfence.vma}, because it hears of it when it is
 * used again.
 */
final class Shadows {
  /** Addresses of fences that are remembered one by one. */
  private static final int LOG = 64;

  /** Copies of page tables and pieces of shadows that are remembered, some KiB each. */
  static final int MOST_PIECES = 8192;

  private static final long ASID = 0xffffL << 44;

  private final GuestMemory memory;
  private final Parts parts;

  /** Spaces of the core that nobody uses now. */
  private final Deque<Shadow> free = new ArrayDeque<>();

  private int made;

  /** The most recently used one first. */
  private final List<Known> all = new ArrayList<>();

  // Fences of one address each; those of everything are counted.
  private final long[] log = new long[LOG];
  private long logged;

  /** An address space and up to where it has heard. */
  private static final class Known {
    final GuestSpace space;
    long heard;
    boolean fenced;

    Known(GuestSpace space, long heard) {
      this.space = space;
      this.heard = heard;
    }
  }

  Shadows(Parts parts) {
    this.parts = parts;
    this.memory = parts.memory();
  }

  /** The address space of a value of {@code satp}, right as of the last fence. */
  GuestSpace space(long satp) {
    for (int i = 0; i < all.size(); i++) {
      Known known = all.get(i);
      if (known.space.satp == satp) {
        if (i > 0) {
          all.remove(i);
          all.addFirst(known);
          makeRoom();
        }
        hear(known);
        return known.space;
      }
    }
    makeRoom();
    GuestSpace space = new GuestSpace(satp, memory);
    all.addFirst(new Known(space, logged));
    return space;
  }

  /** The shadow of an address space for a mode. */
  Shadow shadow(GuestSpace space, int way) {
    Shadow there = space.shadow(way);
    if (there == null) {
      there = unused();
      space.shadow(way, there);
    }
    return there;
  }

  /** The ones used longest ago are forgotten, when they are too much together. */
  private void makeRoom() {
    int pieces = 0;
    for (Known known : all) {
      int its = known.space.pieces();
      pieces += its;
      if (pieces > MOST_PIECES && known != all.getFirst()) {
        known.space.forget();
        pieces -= its;
      }
    }
  }

  private Shadow unused() {
    Shadow shadow = free.poll();
    if (shadow == null && made < Parts.MOST_SHADOWS) {
      shadow = new Shadow(parts.context().space(Parts.SHADOW + made));
      made++;
    }
    while (shadow == null) {
      // One address space has fewer modes than there are shadows, so this one is not in use.
      release(all.removeLast().space);
      shadow = free.poll();
    }
    return shadow;
  }

  private void release(GuestSpace space) {
    space.forget();
    for (int way = 0; way < GuestSpace.WAYS; way++) {
      Shadow shadow = space.shadow(way);
      if (shadow != null) {
        free.add(shadow);
      }
    }
  }

  /**
   * {@code sfence.vma} (RISC-V Priv. §4.2.1).
   *
   * @param address which page, or null for all
   * @param asid of which address spaces, or null for all
   * @param current the one in use, or null
   */
  void fence(@Nullable Long address, @Nullable Long asid, @Nullable GuestSpace current) {
    if (address != null) {
      log[(int) (logged % LOG)] = address;
      logged++;
    } else {
      for (Known known : all) {
        known.fenced |= asid == null || (known.space.satp & ASID) >>> 44 == (asid & 0xffff);
      }
    }
    if (current != null && !all.isEmpty() && all.getFirst().space == current) {
      hear(all.getFirst());
    }
  }

  private void hear(Known known) {
    if (known.fenced || logged - known.heard > LOG) {
      known.space.refreshAll();
    } else {
      for (long i = known.heard; i < logged; i++) {
        known.space.refreshLeaf(log[(int) (i % LOG)]);
      }
    }
    known.fenced = false;
    known.heard = logged;
  }

  /** Forgets all; nobody runs in a shadow. Spaces that a predecessor left are ended. */
  void reset() {
    all.clear();
    free.clear();
    made = 0;
    parts.dropShadows();
  }
}
