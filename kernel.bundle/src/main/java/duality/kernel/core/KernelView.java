package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.FailureReport;
import duality.kernel.Frame;
import duality.kernel.Kernel;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.ServerReport;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** The authority over the kernel as one instance has it: it ends with the instance. */
record KernelView(Core core, String holder, BooleanSupplier allowed) implements Kernel {
  private Core checked() {
    if (!allowed.getAsBoolean()) {
      throw new CallFailed.Revoked("the authority over the kernel ended with its holder");
    }
    return core;
  }

  @Override
  public Frame allFrames() {
    return checked().allFrames();
  }

  @Override
  public int processorCount() {
    return checked().processorCount();
  }

  @Override
  public <P> P create(
      String path,
      Class<P> protocol,
      Map<String, String> config,
      Map<String, Object> endowment,
      boolean shared) {
    return checked().create(path, protocol, config, endowment, shared);
  }

  @Override
  public <P> P connect(String path, Class<P> protocol) {
    return checked().connect(path, protocol);
  }

  @Override
  public void remove(String path) {
    checked().remove(path);
  }

  @Override
  public Endpoint endpoint(String path) {
    return checked().endpoint(path);
  }

  @Override
  public List<Endpoint> endpointsByPath() {
    return checked().endpointsByPath();
  }

  @Override
  public KernelThread thread(int id) {
    return checked().thread(id);
  }

  @Override
  public Notification supervise() {
    return checked().failed().supervise(holder, allowed);
  }

  @Override
  public List<FailureReport> failures(long after) {
    return checked().failures(after);
  }

  @Override
  public Hold hold(List<Endpoint> endpoints, long drainNanos) {
    return checked().hold(endpoints, drainNanos);
  }

  @Override
  public <T> T handOver(String what, boolean steppingOut, Supplier<T> work) {
    return checked().handOver(what, steppingOut, work);
  }

  @Override
  public List<ServerReport> servers() {
    return checked().servers();
  }

  @Override
  public List<String> clients(String path) {
    return checked().clients(path);
  }

  @Override
  public int moveThreads(String engine) {
    return checked().moveThreads(engine);
  }
}
