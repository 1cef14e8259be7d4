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
                .option(PRICES, Kind.TEXT, "nanoseconds of a descriptor, a KiB read, one written,")
                .note("a notification, joined by commas; lab:run charges finds out this host's.")
                .note("charged: counts times prices. measured: processor time that the host counts")
                .note("for the drivers' threads, which the charge should predict. What a driver")
                .note(
                    "does on a guest's own thread (a console, a register) is the guest's anyway."),
            this::charges));
  }

  /**
   * A guest's share.
   *
   * @param client the guest or task
   * @param share of the charges, in per cent
   * @param callerCopies copies of consoles, which are made on the guest's own thread: not charged
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
      long callerCopies) {}

  private List<Charge> charges(Invocation call) throws CommandFailed {
    CostModel prices;
    try {
      prices = CostModel.parse(call.arguments().text(PRICES, CostModel.USUAL.show()));
    } catch (IllegalArgumentException e) {
      throw new CommandFailed(PRICES + ": " + e.getMessage());
    }
    DriverLook before = new DriverLook(Map.of(), Map.of(), Map.of());
    if (!call.arguments().has("--all")) {
      before = DriverLook.now(context);
      call.cancellation().sleep(call.arguments().time("--interval").orElse(USUAL_INTERVAL));
    }
    return charges(DriverLook.now(context).since(before), prices);
  }

  /** The table, with the sum of all at its end. */
  static List<Charge> charges(List<DriverLook.Part> parts, CostModel prices) {
    double all = parts.stream().mapToDouble(each -> prices.charge(each.work())).sum();
    List<Charge> table = new ArrayList<>();
    Work sum = new Work("all", 0, 0, 0, 0, 0);
    long measured = 0;
    long copies = 0;
    for (DriverLook.Part each : parts) {
      table.add(charge(each.work(), prices, each.measuredNanos(), all, each.onCaller().copies()));
      sum = sum.plus(each.work());
      measured += each.measuredNanos();
      copies += each.onCaller().copies();
    }
    table.add(charge(sum, prices, measured, all, copies));
    return table;
  }

  private static Charge charge(
      Work work, CostModel prices, long measured, double all, long callerCopies) {
    double charged = prices.charge(work);
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
        callerCopies);
  }
}
