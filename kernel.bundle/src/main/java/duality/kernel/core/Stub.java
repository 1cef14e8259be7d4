package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Rights;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A capability as Java code sees it: the generated subclass implements the interface of what it
 * leads to. Unforgeable, because only the kernel makes them; revocable, with all that was derived
 * from it.
 *
 * <p>The {@code $} methods are called by generated code.
 */
public abstract class Stub {
  private static final int MOST_REPEATS = 3;

  private Core core;
  private @Nullable Gate gate;
  private @Nullable Object object;
  private Class<?> type;
  private int rights;
  private long badge;
  private @Nullable Stub parent;
  private @Nullable Ledger owner;
  private volatile boolean revoked;

  /**
   * The gate while there is nothing to check: all rights, no badge, not revoked, and of the version
   * of the API that its server has; else null.
   */
  private volatile @Nullable Gate open;

  /** Weakly, so that what a client drops does not stay; guarded by this. */
  private final List<WeakReference<Stub>> children = new ArrayList<>(0);

  private int purgeAt = 16;

  /** For generated code. */
  @SuppressWarnings("NullAway.Init")
  protected Stub() {}

  final void lead(
      Core core,
      Class<?> type,
      @Nullable Gate gate,
      @Nullable Object object,
      int rights,
      long badge) {
    this.core = core;
    this.type = type;
    this.gate = gate;
    this.object = object;
    this.rights = rights;
    this.badge = badge;
    look();
  }

  /** Sees whether there is something to check at each call. */
  private void look() {
    Gate through = gate;
    open =
        through != null && rights == Rights.ALL && badge == 0 && through.isOfType(type)
            ? through
            : null;
    if (revoked) {
      open = null;
    }
  }

  /** The endpoint's type may have become another version's; for the ones derived from it too. */
  final void lookAgain() {
    look();
    List<WeakReference<Stub>> below;
    synchronized (this) {
      below = List.copyOf(children);
    }
    for (WeakReference<Stub> each : below) {
      Stub child = each.get();
      if (child != null) {
        child.lookAgain();
      }
    }
  }

  /** Where the current thread notes its calls. */
  protected static final CallSlot $slot() {
    return CallSlot.ofCaller();
  }

  /** How deep in calls the current thread is. */
  protected static final int $depth(CallSlot slot) {
    return slot.depth();
  }

  /** Before a call to an endpoint: checks the capability and goes through the gate. */
  protected final Object $enter(CallSlot slot, int depth, int needed) {
    Gate through = open;
    if (through != null) {
      return through.enter(slot, depth, 0, this);
    }
    check(needed);
    return fitting(gate().enter(slot, depth, badge, this));
  }

  /** A server as this capability's interface has it. */
  final Object fitting(Object server) {
    return Translation.of(server, type);
  }

  /** After a call that returned. */
  protected final void $exit(CallSlot slot, int depth) {
    if (slot.popTo(depth)) {
      throw gate().tooLate();
    }
  }

  /** A server answered null, which no protocol allows: its failure, and not its client's. */
  protected static final Throwable $nothing(String method) {
    return new NullPointerException(method + " answered null");
  }

  /** After a call that threw; answers what the caller gets. */
  protected final CallFailed $failed(CallSlot slot, int depth, Throwable thrown) {
    slot.unwindTo(depth + 1);
    if (thrown instanceof IncompatibleClassChangeError && isOwn(thrown.getStackTrace())) {
      // It was on its way in when the server became one of another version: it did not get there.
      boolean unused = slot.pop();
      return new CallFailed.TimedOut(name() + " changed its API in this moment: call again");
    }
    return gate().failed(slot, thrown);
  }

  private boolean isOwn(StackTraceElement[] trace) {
    return trace.length > 0 && trace[0].getClassName().equals(getClass().getName());
  }

  /** Whether a call that may be repeated is: its server failed, and somebody mends it. */
  protected final boolean $repeat(CallFailed failure, int repeated) {
    return failure instanceof CallFailed.ServerFailed
        && repeated < MOST_REPEATS
        && core.failed().mends(gate());
  }

  /** Before a call to a kernel object: checks the capability. */
  protected final Object $object(int needed) {
    check(needed);
    Object target = object;
    if (target == null) {
      throw new IllegalStateException("a capability to an endpoint has no object");
    }
    return target;
  }

  /** An argument that may be a capability: the receiver gets a child of it. */
  protected final @Nullable Object $pass(@Nullable Object argument) {
    if (argument instanceof Stub stub && gate != null) {
      return stub.handOn(core.ledgerOf(gate));
    }
    return argument;
  }

  /** A result that may be a capability: the caller gets one of its own. */
  protected final @Nullable Object $result(@Nullable Object result) {
    if (result instanceof KernelObject made) {
      // No more rights than the capability through which it was got, and no longer life.
      Stub child = StubFactory.make(made.kind());
      child.lead(core, made.kind(), null, made, rights, 0);
      return adopt(child, owner);
    }
    return result instanceof Stub stub ? stub.handOn(owner) : result;
  }

  private Gate gate() {
    Gate through = gate;
    if (through == null) {
      throw new IllegalStateException("a capability to a kernel object has no gate");
    }
    return through;
  }

  private void check(int needed) {
    if (revoked || (rights & needed) != needed) {
      throw refusal(needed);
    }
  }

  private CallFailed refusal(int needed) {
    return revoked
        ? new CallFailed.Revoked("the capability to " + name() + " was revoked")
        : new CallFailed.BadRequest(
            "the capability to " + name() + " lacks the right " + rightsText(needed & ~rights));
  }

  private static String rightsText(int bits) {
    return (bits & Rights.READ) != 0
        ? "READ"
        : (bits & Rights.WRITE) != 0 ? "WRITE" : (bits & Rights.MAP) != 0 ? "MAP" : "CONTROL";
  }

  /** The same capability for another holder; itself where the holder is the same. */
  final Stub handOn(@Nullable Ledger holder) {
    check(0);
    return holder == owner ? this : derive(rights, badge, holder);
  }

  /** A child with at most these rights. */
  final Stub derive(int fewer, long childBadge, @Nullable Ledger childOwner) {
    check(0);
    Stub child = StubFactory.make(type);
    child.lead(core, type, gate, object, rights & fewer, childBadge);
    return adopt(child, childOwner);
  }

  /** The same as a class of that loader, which has another version of the API. */
  final Stub seenFrom(@Nullable ClassLoader loader) {
    Class<?> other = Translation.seenFrom(loader, type);
    if (other == type) {
      return this;
    }
    check(0);
    Stub same = StubFactory.make(other);
    same.lead(core, other, gate, object, rights, badge);
    return adopt(same, owner);
  }

  private Stub adopt(Stub child, @Nullable Ledger childOwner) {
    child.parent = this;
    child.owner = childOwner;
    synchronized (this) {
      if (revoked) {
        throw new CallFailed.Revoked("the capability to " + name() + " was revoked");
      }
      if (children.size() >= purgeAt) {
        children.removeIf(each -> each.get() == null);
        purgeAt = Math.max(16, 2 * children.size());
      }
      children.add(new WeakReference<>(child));
    }
    if (childOwner != null) {
      childOwner.hold(child);
    }
    child.look(); // what happened before it could be found here
    return child;
  }

  /** The end of a client: this one and all that it got through it. */
  final void revokeWithOwner() {
    revoke();
    if (owner != null) {
      owner.revokeAll();
    }
  }

  final void revoke() {
    List<WeakReference<Stub>> below;
    synchronized (this) {
      revoked = true;
      open = null;
      below = List.copyOf(children);
      children.clear();
    }
    for (WeakReference<Stub> each : below) {
      Stub child = each.get();
      if (child != null) {
        child.revoke();
      }
    }
  }

  /** Whether {@code ancestor} is this one or one it was derived from. */
  final boolean derivedFrom(Stub ancestor) {
    for (Stub each = this; each != null; each = each.parent) {
      if (each == ancestor) {
        return true;
      }
    }
    return false;
  }

  final void owner(@Nullable Ledger ledger) {
    owner = ledger;
  }

  final boolean isRevoked() {
    return revoked;
  }

  final @Nullable Gate leadsTo() {
    return gate;
  }

  final @Nullable Object kernelObject() {
    return object;
  }

  final int rights() {
    return rights;
  }

  final long badge() {
    return badge;
  }

  final Class<?> type() {
    return type;
  }

  private String name() {
    return gate != null ? gate.path : String.valueOf(object);
  }

  @Override
  public String toString() {
    return "capability to " + name();
  }
}
