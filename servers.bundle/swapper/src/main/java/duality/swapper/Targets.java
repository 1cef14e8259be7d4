package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.ServerReport;
import duality.servers.Swapper.Move;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Finds what patterns of paths and names of servers mean. */
final class Targets {
  /** Stands for the harts of all threads. */
  static final String ENGINE = "engine";

  private Targets() {}

  /** The endpoints of all moves, each once. */
  static List<Transaction.Target> of(Kernel kernel, List<Move> moves) {
    if (moves.isEmpty()) {
      throw new CallFailed.BadRequest("nothing to swap: name an endpoint and a server");
    }
    List<Transaction.Target> targets = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Move move : moves) {
      if (move.endpoint().equals(ENGINE)) {
        throw new CallFailed.BadRequest("the engine is swapped by itself, not with endpoints");
      }
      for (Endpoint each : matching(kernel, move.endpoint())) {
        if (!seen.add(each.path())) {
          throw new CallFailed.BadRequest(each.path() + " is named twice");
        }
        targets.add(new Transaction.Target(each, move.server(), move.anew()));
      }
    }
    return targets;
  }

  private static List<Endpoint> matching(Kernel kernel, String pattern) {
    Pattern regex =
        Pattern.compile(
            Arrays.stream(pattern.split("\\*", -1))
                .map(Pattern::quote)
                .collect(Collectors.joining("[^/]*")));
    List<Endpoint> set =
        kernel.endpointsByPath().stream()
            .filter(each -> regex.matcher(each.path()).matches())
            .toList();
    if (set.isEmpty()) {
      throw new CallFailed.BadRequest(
          "no endpoint matches '" + pattern + "'; kernel:endpoints lists those that are there");
    }
    return set;
  }

  /** The server that a name means, or what is wrong with it. */
  static String refusal(Kernel kernel, Transaction.Target target) {
    String protocol = target.endpoint().protocol();
    String simple = protocol.substring(protocol.lastIndexOf('.') + 1);
    List<String> fitting = new ArrayList<>();
    for (ServerReport each : kernel.servers()) {
      boolean fits = each.protocols().contains(simple);
      if (each.name().equals(target.server()) || exactName(each).equals(target.server())) {
        return fits ? "" : each.name() + " does not serve " + simple + " but " + each.protocols();
      }
      if (fits) {
        fitting.add(each.name());
      }
    }
    return "there is no server '" + target.server() + "'; " + fitting + " serve " + simple;
  }

  /** A server's name with the number of its bundle: {@code scheduler.fair#12}. */
  static String exactName(ServerReport server) {
    String name = server.name();
    int exactly = name.indexOf('#');
    return (exactly < 0 ? name : name.substring(0, exactly)) + "#" + server.bundleId();
  }
}
