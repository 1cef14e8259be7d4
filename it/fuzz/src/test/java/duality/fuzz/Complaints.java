package duality.fuzz;

import duality.kernel.FailureReport;
import duality.kernel.TraceEvent;
import duality.kernel.core.Core;
import java.util.ArrayList;
import java.util.List;

/** What a core says that came to harm, each thing once. */
final class Complaints {
  private final Core core;
  private long lastFailure;
  private long nextEvent;

  Complaints(Core core) {
    this.core = core;
  }

  /** Since it was asked last: servers that failed, engines and exits that did. */
  List<String> fresh() {
    List<String> all = new ArrayList<>();
    for (FailureReport each : core.failures(lastFailure)) {
      lastFailure = Math.max(lastFailure, each.number());
      all.add(each.path() + ": " + each.reason() + each.stack());
    }
    for (TraceEvent event : core.trace(nextEvent, 0)) {
      nextEvent = event.number() + 1;
      String text = event.text();
      if (text.contains("its engine failed")
          || text.contains("its exit could not be served")
          || text.startsWith("processor ")
          || event.kind() != TraceEvent.Kind.NOTE) {
        all.add(text);
      }
    }
    return all;
  }
}
