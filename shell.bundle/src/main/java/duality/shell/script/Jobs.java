package duality.shell.script;

import java.util.function.Consumer;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Job;

/** Says what became of commands in the background ({@code command &}), which nobody waits for. */
public final class Jobs {
  private Jobs() {}

  /**
   * Watches the background jobs of a session.
   *
   * @param teller who is told of each that failed, in one line
   */
  public static void watch(CommandSession session, Consumer<String> teller) {
    session.setJobListener(
        (job, before, now) -> {
          if (before == Job.Status.Background
              && now == Job.Status.Done
              && job.result() != null
              && job.result().exception() instanceof Exception failure
              && !(failure instanceof InterruptedException)) {
            teller.accept(
                "["
                    + job.id()
                    + "] "
                    + job.command().toString().strip()
                    + " &: "
                    + Failures.describe(session, failure));
          }
        });
  }
}
