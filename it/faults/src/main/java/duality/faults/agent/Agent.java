package duality.faults.agent;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.Progress;
import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.vmm.VirtualMachine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Takes requests over a loopback connection, a line each: number, verb and arguments parted by
 * tabs, with line ends and tabs in them escaped. Answers with the number, {@code ok} or {@code
 * failed}, and a text. Requests are served at the same time, because some of them may hang.
 */
@Component(service = Agent.class, immediate = true)
public final class Agent {
  private final BundleContext context;
  private final Root root;
  private final Swapper swapper;
  private final Observation observation;
  private final Map<String, Console> consoles = new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          body -> {
            Thread thread = new Thread(body, "campaign request");
            thread.setDaemon(true);
            return thread;
          });

  /** Connects to the campaign, whose port is the framework property {@code duality.faults.port}. */
  @Activate
  public Agent(
      BundleContext context,
      @Reference Root root,
      @Reference Swapper swapper,
      @Reference Observation observation,
      // Until it is there nothing can be asked for.
      @Reference(target = "(component.name=duality.guests.nano.Nano)") GuestImage nano)
      throws IOException {
    this.context = context;
    this.root = root;
    this.swapper = swapper;
    this.observation = observation;
    int port = Integer.parseInt(context.getProperty("duality.faults.port"));
    Socket socket;
    try {
      socket = new Socket(InetAddress.getLoopbackAddress(), port);
    } catch (ConnectException e) {
      Runtime.getRuntime().halt(1); // the campaign ended while this JVM came up
      throw e;
    }
    socket.setTcpNoDelay(true);
    Thread reader = new Thread(() -> serve(socket), "campaign");
    reader.setDaemon(true);
    reader.start();
  }

  private void serve(Socket socket) {
    try (socket;
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        PrintWriter out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8)) {
      for (String line; (line = in.readLine()) != null; ) {
        String[] words = line.split("\t", -1);
        threads.execute(
            () -> {
              String answer;
              try {
                answer = words[0] + "\tok\t" + escape(request(words));
              } catch (Exception | Error e) {
                answer = words[0] + "\tfailed\t" + escape(e.toString());
              }
              synchronized (out) {
                out.println(answer);
              }
            });
      }
    } catch (IOException e) {
      System.getLogger("duality.faults").log(System.Logger.Level.INFO, "campaign is gone", e);
    }
    // Without its campaign this system has nothing to do, however broken it is.
    Runtime.getRuntime().halt(0);
  }

  private String request(String[] words) throws Exception {
    String first = words.length > 2 ? unescape(words[2]) : "";
    String second = words.length > 3 ? unescape(words[3]) : "";
    return switch (words[1]) {
      case "ping" -> "";
      case "machine" -> machine(first, second, words.length > 4 ? unescape(words[4]) : "nano");
      case "remove" -> {
        consoles.remove(first);
        root.remove("vm/" + first);
        yield "";
      }
      case "power" -> {
        VirtualMachine machine = root.connect("vm/" + first, VirtualMachine.class);
        switch (second) {
          case "pause" -> machine.pause();
          case "resume" -> machine.resume();
          case "stop" -> machine.stop();
          case "start" -> machine.start();
          default -> machine.report();
        }
        yield "";
      }
      case "type" -> "" + console(first).type(second);
      case "position" -> "" + console(first).position();
      case "output" -> console(first).output(Long.parseLong(second), 65_536, 100);
      case "install" -> {
        try (var in = Files.newInputStream(Path.of(first))) {
          Bundle bundle = context.installBundle("fault:" + first, in);
          bundle.start();
          yield "" + bundle.getBundleId();
        }
      }
      case "uninstall" -> {
        context.getBundle(Long.parseLong(first)).uninstall();
        yield "";
      }
      case "swap" -> swapper.swap(first, second).outcome();
      case "endpoints" ->
          observation.endpoints().stream()
              .filter(each -> first.isEmpty() || each.path().equals(first))
              .map(Agent::line)
              .collect(Collectors.joining("\n"));
      case "servers" ->
          observation.servers().stream().map(each -> each.name()).collect(Collectors.joining("\n"));
      case "counters" -> observation.counters().toString();
      case "failures" ->
          observation.failures().stream()
              .map(
                  each ->
                      each.number() + " " + each.path() + " " + each.kind() + ": " + each.reason())
              .collect(Collectors.joining("\n"));
      case "failed" ->
          observation.failures().stream()
              .filter(each -> each.path().equals(second) || isOf(each.path(), first))
              .map(each -> "" + each.number())
              .reduce("0", (before, last) -> last);
      case "trace" -> String.join("\n", observation.trace());
      case "free" -> "" + root.balance().free();
      case "burning" ->
          Thread.getAllStackTraces().keySet().stream()
              .filter(each -> isOf(each.getName().split(" ", 2)[0], first))
              .filter(each -> each.getState() == Thread.State.RUNNABLE)
              .map(Thread::getName)
              .collect(Collectors.joining(", "));
      case "stacks" ->
          Thread.getAllStackTraces().entrySet().stream()
              .map(each -> each.getKey() + " " + Arrays.toString(each.getValue()))
              .collect(Collectors.joining("\n"));
      default -> throw new IllegalArgumentException(words[1] + " is no verb");
    };
  }

  private static boolean isOf(String path, String machine) {
    return path.equals(machine) || path.startsWith(machine + "/");
  }

  private static String line(EndpointReport each) {
    return each.path() + "\t" + each.server() + "\t" + each.condition();
  }

  private Console console(String machine) {
    return consoles.computeIfAbsent(
        machine, name -> root.connect("vm/" + name + "/console", Console.class));
  }

  private String machine(String name, String disk, String guest) throws Exception {
    GuestImage image =
        context.getServiceReferences(GuestImage.class, null).stream()
            .map(context::getService)
            .filter(each -> each != null && each.name().equals(guest))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException(guest + " is no guest"));
    Boot boot = image.prepare(Progress.NONE);
    Map<String, String> config = new HashMap<>();
    config.put("kernel", boot.kernel().toString());
    boot.initrd().ifPresent(initrd -> config.put("initrd", initrd.toString()));
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(boot.memoryBytes()));
    config.put("agent", "false");
    config.put("around", "1"); // a fault for each page, so that its pager has something to do
    String cpus = context.getProperty("duality.faults.cpus");
    if (cpus != null && !cpus.equals("1")) {
      config.put("cpus", cpus);
    }
    if (!disk.isEmpty()) {
      config.put("disk0", disk);
    }
    if (!image.monitor().isEmpty()) {
      config.put("server", image.monitor());
    }
    root.create("vm/" + name, VirtualMachine.class, config).start();
    return "";
  }

  /** A text without tabs and line ends. */
  public static String escape(String text) {
    return text.replace("\\", "\\\\")
        .replace("\t", "\\t")
        .replace("\n", "\\n")
        .replace("\r", "\\r");
  }

  /** The text again. */
  public static String unescape(String text) {
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        plain.append(c);
        continue;
      }
      i++;
      plain.append(
          switch (text.charAt(i)) {
            case 't' -> '\t';
            case 'n' -> '\n';
            case 'r' -> '\r';
            default -> text.charAt(i);
          });
    }
    return plain.toString();
  }
}
