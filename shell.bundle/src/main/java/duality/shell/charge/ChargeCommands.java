package duality.shell.charge;

import duality.drivers.DriverWork.Work;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Shows which guest caused how much driver work. */
@Component(service = ChargeCommands.class, immediate = true)
public final class ChargeCommands extends CommandGroup {
  private static final Duration USUAL_INTERVAL = Duration.ofSeconds(1);
  private static final String PRICES = "--prices";
  private static final String DRIVERS = "--drivers";

  private final BundleContext context;

  /** With whom the drivers' counters are. */
  @Activate
  public ChargeCommands(BundleContext context) {
    this.context = context;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of("kernel", "charges", "Charges the drivers' work to the guests that cause it.")
                .option("--interval", Kind.TIME, "from one look to the next; 1s")
                .flag("--all", "since the drivers were started; measured time cannot be compared")
                .flag(DRIVERS, "a line for each driver of a guest")
                .option(PRICES, Kind.TEXT, "nanoseconds of a descriptor, a KiB read, one written,")
                .note("a notification, joined by commas, for all drivers or DRIVER:D,R,W,N joined")
                .note("by slashes; lab:run charges finds out this host's. charged: counts times")
                .note("prices. measured: processor time that the host counts for the drivers'")
                .note("threads, which the charge should predict. within: the charge for what is")
                .note("done on the guest's own thread, or on that of the device before it (a")
                .note("console), whose processor time has it already."),
            this::charges));
  }

  /**
   * A guest's share, or that of one driver of it.
   *
   * @param client the guest or task, with the driver's name when asked for by driver
   * @param share of the charges, in per cent
   * @param withinNanos the charge for what drivers without threads did: not in the one before
   */
  record Charge(
      String client,
      long descriptors,
      long copies,
      long readBytes,
      long writtenBytes,
      long notifications,
      long chargedNanos,
      long measuredNanos,
      long share,
      long withinNanos) {}

  private List<Charge> charges(Invocation call) throws CommandFailed {
    Tariff prices;
    try {
      prices = Tariff.parse(call.arguments().text(PRICES, Tariff.USUAL.show()), Tariff.USUAL);
    } catch (IllegalArgumentException e) {
      throw new CommandFailed(PRICES + ": " + e.getMessage());
    }
    DriverLook before = new DriverLook(Map.of(), Map.of(), Map.of());
    if (!call.arguments().has("--all")) {
      before = DriverLook.now(context);
      call.cancellation().sleep(call.arguments().time("--interval").orElse(USUAL_INTERVAL));
    }
    return charges(DriverLook.now(context).since(before), prices, call.arguments().has(DRIVERS));
  }

  /** What is added up for one line. */
  private static final class Sum {
    private Work work;
    private double charged;
    private double within;
    private long measured;

    Sum(String name) {
      work = new Work(name, 0, 0, 0, 0, 0);
    }

    void add(DriverLook.Part part, Tariff prices) {
      double charge = prices.charge(part.driver(), part.work());
      work = work.plus(part.work());
      charged += part.onCaller() ? 0 : charge;
      within += part.onCaller() ? charge : 0;
      measured += part.measuredNanos();
    }

    Charge line(double all) {
      return new Charge(
          work.endpoint(),
          work.descriptors(),
          work.copies(),
          work.readBytes(),
          work.writtenBytes(),
          work.notifications(),
          Math.round(charged),
          measured,
          all == 0 ? 0 : Math.round(100 * charged / all),
          Math.round(within));
    }
  }

  /** The table, with the sum of all at its end. */
  static List<Charge> charges(List<DriverLook.Part> parts, Tariff prices, boolean byDriver) {
    Map<String, Sum> sums = new LinkedHashMap<>();
    Sum all = new Sum("all");
    for (DriverLook.Part each : parts) {
      String name = byDriver ? each.client() + " " + each.driver() : each.client();
      sums.computeIfAbsent(name, Sum::new).add(each, prices);
      all.add(each, prices);
    }
    List<Charge> table = new ArrayList<>();
    sums.values().forEach(each -> table.add(each.line(all.charged)));
    table.add(all.line(all.charged));
    return table;
  }
}
