package duality.kernel.core;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import org.osgi.framework.hooks.resolver.ResolverHook;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRequirement;
import org.osgi.framework.wiring.BundleRevision;

/**
 * Of several bundles of one name that offer the same package, who is wired anew gets that of the
 * highest version, then the newest bundle: as the name of a server means it. So an API that was
 * updated stands beside the one before, which has only the clients that were not restarted.
 */
final class Versions implements ResolverHook {
  /** The bundle in whose name updates are installed: the framework's. */
  static final long UPDATER = 0;

  private static final Comparator<BundleRevision> BEST_LAST =
      Comparator.comparing(BundleRevision::getVersion)
          .thenComparingLong(each -> each.getBundle().getBundleId());

  @Override
  public void filterMatches(
      BundleRequirement requirement, Collection<BundleCapability> candidates) {
    if (candidates.size() < 2) {
      return;
    }
    Map<String, BundleRevision> best = new HashMap<>();
    for (BundleCapability each : candidates) {
      BundleRevision offers = each.getRevision();
      best.merge(
          offers.getSymbolicName(),
          offers,
          (one, other) -> BEST_LAST.compare(one, other) < 0 ? other : one);
    }
    candidates.removeIf(
        each -> best.get(each.getRevision().getSymbolicName()) != each.getRevision());
  }

  @Override
  public void filterResolvable(Collection<BundleRevision> candidates) {
    // all may be resolved
  }

  @Override
  public void filterSingletonCollisions(
      BundleCapability singleton, Collection<BundleCapability> collisionCandidates) {
    // none is a singleton
  }

  @Override
  public void end() {
    // nothing was kept
  }
}
