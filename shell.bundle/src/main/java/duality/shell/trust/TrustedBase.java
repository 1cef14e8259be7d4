package duality.shell.trust;

import duality.kernel.CapabilityReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.servers.CostDial;
import duality.servers.Root;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import java.io.IOException;
import java.lang.module.ModuleDescriptor.Requires;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.hooks.weaving.WeavingHook;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;

/**
 * The trusted computing base of an endpoint: whose code can make it wrong or stop it.
 *
 * <p>By the capability graph: the servers of all endpoints that it can call, by however many steps,
 * of its own devices, and the engine. By authority: who can replace or end any endpoint (root and
 * who controls the kernel), and the clients of these. By what is done to code: weavers. By the
 * wiring: the bundles from which all these have classes. Below that the framework, the JDK and the
 * JVM.
 */
public final class TrustedBase {
  private static final String KERNEL = "duality.kernel";
  private static final String CLIENT = "client";
  private static final String CLIENT_LIBRARY = "client's library";

  private final BundleContext context;
  private final Observation kernel;
  private final Map<Bundle, Part> parts = new LinkedHashMap<>();

  private record Part(String part, String why) {}

  /** Of the system in which that bundle is. */
  public TrustedBase(BundleContext context, Observation kernel) {
    this.context = context;
    this.kernel = kernel;
  }

  /**
   * A line of the table.
   *
   * @param part {@code core}, {@code server}, {@code authority}, {@code weaver}, {@code library},
   *     {@code client}, {@code client's library}, {@code framework}, {@code JDK module} (of all but
   *     clients), {@code JVM}; a sum begins with =
   * @param name of the bundle or module
   * @param lines lines of source that compile to code; 0 when its classes do not tell
   * @param bytes of its class files
   * @param why how the endpoint comes to trust it
   */
  public record Trusted(String part, String name, long lines, long bytes, String why) {}

  /** The table for an endpoint with all below it. */
  public List<Trusted> of(String path) {
    List<CapabilityReport> edges = kernel.capabilities();
    List<String> starts = new ArrayList<>();
    kernel.endpoints().stream()
        .map(each -> each.path())
        .filter(each -> each.equals(path) || each.startsWith(path + "/"))
        .forEach(starts::add);
    add(bundle(KERNEL), "core", "all calls, faults and memory");
    Map<String, ServerReport> servers = serversByEndpoint();
    new Dependence(edges)
        .below(starts)
        .forEach(
            (endpoint, way) -> {
              add(server(servers, endpoint), "server", way);
              add(behind(servers.get(endpoint)), "server", way + ", behind a dial");
            });
    for (CapabilityReport edge : edges) {
      if (edge.via().equals("control")) {
        add(server(servers, edge.holder()), "authority", edge.holder() + " controls the kernel");
      }
    }
    for (ServiceReference<?> each : references(WeavingHook.class)) {
      add(each.getBundle(), "weaver", "rewrites classes");
    }
    libraries("library");
    for (Class<?> shared : List.of(Root.class, Swapper.class, Supervisor.class)) {
      for (ServiceReference<?> each : references(shared)) {
        Bundle[] using = each.getUsingBundles();
        for (Bundle user : using == null ? new Bundle[0] : using) {
          add(user, CLIENT, "uses " + shared.getSimpleName());
        }
      }
    }
    libraries(CLIENT_LIBRARY);
    return table();
  }

  private Map<String, ServerReport> serversByEndpoint() {
    Map<String, ServerReport> found = new HashMap<>();
    for (ServerReport each : kernel.servers()) {
      each.endpoints().forEach(endpoint -> found.putIfAbsent(endpoint, each));
      if (each.protocols().contains("Engine")) {
        found.putIfAbsent(Dependence.ENGINE + each.name(), each);
      }
    }
    return found;
  }

  private @Nullable Bundle server(Map<String, ServerReport> servers, String endpoint) {
    ServerReport server = servers.get(endpoint);
    return server == null ? null : context.getBundle(server.bundleId());
  }

  /** The bundle of the server that a dial stands in front of, if one does. */
  private @Nullable Bundle behind(@Nullable ServerReport front) {
    if (front == null || !front.name().endsWith(CostDial.SUFFIX)) {
      return null;
    }
    String name = front.name().substring(0, front.name().length() - CostDial.SUFFIX.length());
    return kernel.servers().stream()
        .filter(each -> each.name().equals(name))
        .map(each -> context.getBundle(each.bundleId()))
        .findFirst()
        .orElse(null);
  }

  private @Nullable Bundle bundle(String name) {
    for (Bundle each : context.getBundles()) {
      if (name.equals(each.getSymbolicName())) {
        return each;
      }
    }
    return null;
  }

  private Collection<? extends ServiceReference<?>> references(Class<?> service) {
    try {
      return context.getServiceReferences(service, null);
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private void add(@Nullable Bundle bundle, String part, String why) {
    if (bundle != null && bundle.getBundleId() != 0) {
      parts.putIfAbsent(bundle, new Part(part, why));
    }
  }

  /** Where they have classes from, or are activated by. */
  private void libraries(String part) {
    Deque<Bundle> open = new ArrayDeque<>(parts.keySet());
    while (!open.isEmpty()) {
      Bundle user = open.remove();
      BundleWiring wiring = user.adapt(BundleWiring.class);
      if (wiring == null) {
        continue;
      }
      List<BundleWire> wires = wiring.getRequiredWires(null);
      for (BundleWire wire : wires == null ? List.<BundleWire>of() : wires) {
        Bundle provider = wire.getProvider().getBundle();
        if (!parts.containsKey(provider) && provider.getBundleId() != 0) {
          add(
              provider,
              part,
              user.getSymbolicName() + " is wired to it by " + wire.getCapability().getNamespace());
          open.add(provider);
        }
      }
    }
  }

  private List<Trusted> table() {
    Map<String, List<Trusted>> byPart = new LinkedHashMap<>();
    Set<String> packages = new TreeSet<>();
    for (String part : List.of("core", "server", "authority", "weaver", "library")) {
      byPart.put(part, new ArrayList<>());
    }
    parts.forEach(
        (bundle, part) -> {
          CodeSize size = CodeSize.of(bundle);
          if (!part.part().startsWith(CLIENT)) {
            packages.addAll(size.packages());
          }
          byPart
              .computeIfAbsent(part.part(), any -> new ArrayList<>())
              .add(
                  new Trusted(
                      part.part(),
                      String.valueOf(bundle.getSymbolicName()),
                      size.lines(),
                      size.bytes(),
                      part.why()));
        });
    byPart.put("framework", List.of(framework(packages)));
    byPart.put("JDK module", modules(packages));
    byPart.put("JVM", List.of(jvm()));
    List<Trusted> rows = new ArrayList<>();
    byPart.forEach(
        (part, all) -> {
          rows.addAll(all);
          if (all.size() > 1) {
            rows.add(
                new Trusted(
                    "= " + part,
                    all.size() + " of them",
                    all.stream().mapToLong(Trusted::lines).sum(),
                    all.stream().mapToLong(Trusted::bytes).sum(),
                    ""));
          }
        });
    return rows;
  }

  private Trusted framework(Set<String> packages) {
    Bundle felix = context.getBundle(0);
    CodeSource source = felix.getClass().getProtectionDomain().getCodeSource();
    CodeSize size =
        source == null || source.getLocation() == null
            ? new CodeSize()
            : CodeSize.ofJar(source.getLocation());
    packages.addAll(size.packages());
    return new Trusted(
        "framework",
        felix.getSymbolicName() + " " + felix.getVersion(),
        size.lines(),
        size.bytes(),
        "loads and wires all bundles");
  }

  /** The modules whose packages are named by any class so far, and those that these read. */
  private static List<Trusted> modules(Set<String> packages) {
    Map<String, Module> byPackage = new HashMap<>();
    for (Module module : ModuleLayer.boot().modules()) {
      module.getPackages().forEach(name -> byPackage.put(name, module));
    }
    Map<String, String> needed = new TreeMap<>();
    Deque<Module> open = new ArrayDeque<>();
    for (String name : packages) {
      Module module = byPackage.get(name);
      if (module != null
          && module.isNamed()
          && needed.putIfAbsent(module.getName(), name) == null) {
        open.add(module);
      }
    }
    while (!open.isEmpty()) {
      Module module = open.remove();
      for (Requires each : module.getDescriptor().requires()) {
        Module read = ModuleLayer.boot().findModule(each.name()).orElse(null);
        if (read != null
            && needed.putIfAbsent(each.name(), "read by " + module.getName()) == null) {
          open.add(read);
        }
      }
    }
    List<Trusted> rows = new ArrayList<>();
    needed.forEach(
        (name, why) -> {
          CodeSize size = CodeSize.ofModule(name);
          rows.add(
              new Trusted(
                  "JDK module",
                  name,
                  size.lines(),
                  size.bytes(),
                  why.startsWith("read") ? why : "package " + why + " is used"));
        });
    return rows;
  }

  private static Trusted jvm() {
    Path library = Path.of(System.getProperty("java.home"), "lib", "server", "libjvm.so");
    long bytes = 0;
    try {
      bytes = Files.size(library);
    } catch (IOException e) {
      // Elsewhere on this host: its size is not known, its name is.
    }
    return new Trusted(
        "JVM",
        System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"),
        0,
        bytes,
        "executes all; machine code, so no lines");
  }
}
