package duality.kernel.core;

import duality.kernel.CapabilityReport;
import duality.kernel.Protocol;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads who holds what out of the tables of the core: slots and ledgers of the endpoints, pagers of
 * their spaces, handlers of their threads.
 *
 * <p>A capability that was dropped but not collected yet is still there: what is read is what may
 * be used, at most.
 */
final class CapabilityGraph {
  private final Core core;
  private final Map<String, CapabilityReport> edges = new LinkedHashMap<>();

  private CapabilityGraph(Core core) {
    this.core = core;
  }

  /** All edges, by holder; of several ways from one endpoint to another the first named. */
  static List<CapabilityReport> of(Core core) {
    CapabilityGraph graph = new CapabilityGraph(core);
    new TreeMap<>(core.endpointMap()).values().forEach(graph::endpoint);
    return new ArrayList<>(graph.edges.values());
  }

  private void endpoint(EndpointObject holder) {
    new TreeMap<>(holder.slots).forEach((slot, held) -> stub(holder, held, "slot " + slot));
    for (ThreadObject thread : holder.threads.values()) {
      stub(holder, thread.handler(), "handler");
      EndpointObject scheduler = core.endpointMap().get(Scheduling.PATH);
      if (scheduler != null) {
        edge(holder, Scheduling.PATH, scheduler.type().getSimpleName(), true, "scheduler");
      }
      edge(holder, core.engines().name(thread.engine()), "Engine", true, "engine");
    }
    for (SpaceObject space : holder.spaces.values()) {
      space.pagers().forEach(pager -> stub(holder, pager, "pager"));
    }
    if (core.mayControl(holder.path())) {
      edge(holder, "kernel", "Kernel", false, "control");
    }
    holder.ledger.all().forEach(each -> stub(holder, each, "held"));
  }

  private void stub(EndpointObject holder, Object held, String via) {
    if (!(held instanceof Stub stub) || stub.isRevoked()) {
      return;
    }
    Gate gate = stub.leadsTo();
    if (gate == null) {
      Object object = stub.kernelObject();
      edge(holder, String.valueOf(object), stub.type().getSimpleName(), false, via);
    } else if (!gate.path.equals(holder.path())) {
      boolean down = gate.rank < holder.rank() || holder.rank() == Protocol.TOP;
      edge(holder, gate.path, stub.type().getSimpleName(), down, via);
    }
  }

  private void edge(EndpointObject holder, String target, String kind, boolean call, String via) {
    edges.putIfAbsent(
        holder.path() + '\n' + target + '\n' + kind,
        new CapabilityReport(holder.path(), target, kind, call, via));
  }
}
