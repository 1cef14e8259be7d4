package duality.vmm.xen;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.vmm.board.Machine;
import duality.vmm.board.Parts;
import duality.vmm.board.VirtualHart;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code vmm.xen}: opens a machine for each endpoint that asks for one. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=vmm.xen", Server.PROTOCOL + "=duality.vmm.VirtualMachine"})
public final class XenServer implements Server {
  /** What it does with each hart that it makes: nothing, but for tests. */
  private final Consumer<XenHart> made;

  /** A server. */
  public XenServer() {
    this(hart -> {});
  }

  XenServer(Consumer<XenHart> made) {
    this.made = made;
  }

  private final class Xen implements Parts.Monitor {
    @Override
    public VirtualHart hart(Parts parts) {
      XenHart hart = new XenHart(parts);
      made.accept(hart);
      return hart;
    }

    @Override
    public String kind() {
      return "xen";
    }
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Machine(context, saved, HartMode.USER, new Xen());
  }
}
