package duality.kernel.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * What an endpoint or a client bundle holds: its capabilities, so that they die with it. Weakly, so
 * that a capability that was dropped does not stay.
 */
final class Ledger {
  final String name;
  private final Set<Stub> held = Collections.newSetFromMap(new WeakHashMap<>());

  Ledger(String name) {
    this.name = name;
  }

  void hold(Stub stub) {
    synchronized (held) {
      held.add(stub);
    }
  }

  /** Those that were not dropped, or not collected yet. */
  List<Stub> all() {
    synchronized (held) {
      return new ArrayList<>(held);
    }
  }

  /** Whether one of them leads to that gate. */
  boolean leadsTo(Gate gate) {
    synchronized (held) {
      return held.stream().anyMatch(each -> each.leadsTo() == gate);
    }
  }

  void revokeAll() {
    List<Stub> all;
    synchronized (held) {
      all = all();
      held.clear();
    }
    all.forEach(Stub::revoke);
  }
}
