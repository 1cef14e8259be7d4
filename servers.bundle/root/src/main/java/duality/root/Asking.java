package duality.root;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The servers that ask for a path of their own, in the order in which they came. Outlives the
 * instances of root; the serving one is told of each that comes.
 */
final class Asking {
  /**
   * A server and what it asks for.
   *
   * @param path where it wants to be reached
   * @param server its name
   * @param protocol fully qualified name of the protocol it would serve there
   * @param classes where the protocol is loaded from
   */
  record Request(String path, String server, String protocol, Classes classes) {}

  /** Loads classes as the bundle of a server sees them. */
  interface Classes {
    Class<?> load(String name) throws ClassNotFoundException;
  }

  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private volatile Runnable told = () -> {};

  /** Says who is told of requests from now on. */
  void tell(Runnable listener) {
    told = listener;
  }

  void add(Request request) {
    requests.add(request);
    told.run();
  }

  void remove(String path, String server) {
    requests.removeIf(each -> each.path().equals(path) && each.server().equals(server));
  }

  List<Request> all() {
    return List.copyOf(requests);
  }

  /** Names of the servers that ask for a path, the first who came first. */
  List<String> servers(String path) {
    List<String> names = new ArrayList<>();
    for (Request each : requests) {
      if (each.path().equals(path) && !names.contains(each.server())) {
        names.add(each.server());
      }
    }
    return names;
  }
}
