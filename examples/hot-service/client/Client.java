package hot.client;

import hot.Visits;
import java.util.*;
import org.osgi.service.component.annotations.*;

/**
 * A client as any other: it refers to the service and calls it, and knows nothing of updates. Each
 * of its threads visits a page of its own, so it knows what each answer must be.
 */
@Component(
    service = Client.class,
    immediate = true,
    property = {
      "osgi.command.scope=hot",
      "osgi.command.function=start",
      "osgi.command.function=report",
      "osgi.command.function=stop"
    })
public final class Client {
  /** What a visitor saw: right answers, wrong ones, failed calls, the longest wait for one. */
  public record Report(String page, long right, long wrong, long failed, long longestNanos) {}

  private final Visits visits;
  private final List<Visitor> visitors = new ArrayList<>();
  private static int started;

  @Activate
  public Client(@Reference Visits visits) {
    this.visits = visits;
  }

  /** Command {@code hot:start 3}: so many threads begin to call as fast as they can. */
  public synchronized String start(int threads) {
    for (int i = 0; i < threads; i++) {
      Visitor visitor = new Visitor("page-" + ++started);
      visitors.add(visitor);
      visitor.start();
    }
    return visitors.size() + " threads call";
  }

  /** Command {@code hot:report}. */
  public synchronized List<Report> report() {
    return visitors.stream().map(each -> each.report).toList();
  }

  /** Command {@code hot:stop}: the threads end, and this is what they saw. */
  public synchronized List<Report> stop() throws InterruptedException {
    for (Visitor visitor : visitors) {
      visitor.ends = true;
      visitor.join();
    }
    List<Report> last = report();
    visitors.clear();
    return last;
  }

  @Deactivate
  void deactivate() throws InterruptedException {
    stop();
  }

  private final class Visitor extends Thread {
    volatile boolean ends;
    volatile Report report;

    Visitor(String page) {
      super(page);
      report = new Report(page, 0, 0, 0, 0);
    }

    @Override
    public void run() {
      long expected = visits.add(getName(), 0);
      while (!ends) {
        Report r = report;
        long begin = System.nanoTime();
        long answer;
        try {
          answer = visits.add(getName(), 1);
        } catch (RuntimeException e) {
          System.getLogger("hot.client").log(System.Logger.Level.WARNING, e.getMessage());
          report = new Report(r.page, r.right, r.wrong, r.failed + 1, r.longestNanos);
          continue;
        }
        boolean right = answer == ++expected;
        report =
            new Report(
                r.page,
                r.right + (right ? 1 : 0),
                r.wrong + (right ? 0 : 1),
                r.failed,
                Math.max(r.longestNanos, System.nanoTime() - begin));
      }
    }
  }
}
