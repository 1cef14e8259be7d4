package hot.visits;

import duality.kernel.*;
import hot.Visits;
import java.util.*;
import org.osgi.service.component.annotations.Component;

/** Version 1: a number for each page. */
@Component(
    property = {
      "duality.server=hot.visits",
      "duality.protocol=hot.Visits",
      "duality.endpoint=service/visits"
    })
public final class VisitsServer implements Server {
  @Override
  public Instance open(Context context, State saved) {
    return new Counting(saved);
  }

  static final class Counting implements Visits, Instance {
    private final Map<String, Long> counts = new TreeMap<>();

    Counting(State saved) {
      if (saved != null) {
        saved.expect("visits", 1);
        for (State page : saved.states("pages")) {
          counts.put(page.text("name"), page.number("count"));
        }
      }
    }

    @Override
    public synchronized long add(String page, long visits) {
      return counts.merge(page, visits, Long::sum);
    }

    @Override
    public State save() {
      List<State> pages = new ArrayList<>();
      counts.forEach(
          (name, count) -> pages.add(State.of("page", 1).with("name", name).with("count", count)));
      return State.of("visits", 1).with("pages", pages);
    }
  }
}
