package my.scheduler;

import duality.kernel.*;
import duality.servers.policy.ThreadOrder;
import java.util.*;
import org.osgi.service.component.annotations.Component;

/** A lottery (Waldspurger and Weihl, 1994): a thread has as many tickets as its weight says. */
@Component(property = {"duality.server=my.scheduler", "duality.protocol=duality.kernel.Scheduler"})
public final class MyScheduler implements Server {
  @Override
  public Instance open(Context context, State saved) {
    return new Lottery();
  }

  static final class Lottery implements Scheduler, Instance {
    private final Random random = new Random();
    private final Map<Integer, Integer> tickets = new HashMap<>(); // of a thread
    private final Set<Integer> waiting = new LinkedHashSet<>(); // threads
    private final Map<Integer, Integer> running = new HashMap<>(); // on a processor

    @Override
    public synchronized int ready(int thread, int weight) {
      tickets.put(thread, weight);
      waiting.add(thread);
      return NO_PROCESSOR; // nobody has to make room for it
    }

    @Override
    public synchronized void gone(int thread) {
      waiting.remove(thread);
    }

    @Override
    public synchronized long pick(int processor) {
      running.remove(processor);
      List<Integer> players = waiting.stream().filter(t -> !running.containsValue(t)).toList();
      int sold = players.stream().mapToInt(tickets::get).sum();
      int drawn = sold == 0 ? 0 : random.nextInt(sold);
      for (int thread : players) {
        drawn -= tickets.get(thread);
        if (drawn < 0) {
          waiting.remove(thread);
          running.put(processor, thread);
          return Scheduler.choice(thread, 4_000_000); // nanoseconds
        }
      }
      return NOBODY;
    }

    @Override
    public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
      running.remove(processor);
      tickets.putIfAbsent(thread, 100); // the scheduler before us picked it
      if (ready) {
        waiting.add(thread);
      }
    }

    @Override
    public State save() {
      return new ThreadOrder(List.of()).toState(); // the kernel tells the next one who can run
    }
  }
}
