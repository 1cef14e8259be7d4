package hot.visits;

import duality.kernel.*;
import hot.Visits;
import java.util.*;
import org.osgi.service.component.annotations.Component;

/** Version 2: remembers when each page was visited last, too, and takes over from version 1. */
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
    private record Page(long count, long lastMillis) {}

    private final Map<String, Page> pages = new TreeMap<>();

    Counting(State saved) {
      if (saved != null) {
        int version = saved.expect("visits", 2);
        for (State page : saved.states("pages")) {
          long last = version == 1 ? 0 : page.number("last");
          pages.put(page.text("name"), new Page(page.number("count"), last));
        }
      }
    }

    @Override
    public synchronized long add(String name, long visits) {
      Page before = pages.getOrDefault(name, new Page(0, 0));
      Page after = new Page(before.count + visits, System.currentTimeMillis());
      pages.put(name, after);
      return after.count;
    }

    @Override
    public State save() {
      List<State> saved = new ArrayList<>();
      pages.forEach(
          (name, page) ->
              saved.add(
                  State.of("page", 2)
                      .with("name", name)
                      .with("count", page.count)
                      .with("last", page.lastMillis)));
      return State.of("visits", 2).with("pages", saved);
    }
  }
}
