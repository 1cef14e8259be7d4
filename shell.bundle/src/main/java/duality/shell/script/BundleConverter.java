package duality.shell.script;

import org.apache.felix.service.command.Converter;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Finds the bundle that a word means, by its number or its name, for Felix's own commands. */
@Component(service = Converter.class)
public final class BundleConverter implements Converter {
  private final BundleContext context;

  /** Looks for bundles in that framework. */
  @Activate
  public BundleConverter(BundleContext context) {
    this.context = context;
  }

  @Override
  public @Nullable Object convert(Class<?> type, Object value) {
    if (type != Bundle.class || !(value instanceof CharSequence || value instanceof Number)) {
      return null;
    }
    String word = value.toString();
    for (Bundle bundle : context.getBundles()) {
      if (word.equals(Long.toString(bundle.getBundleId()))
          || word.equals(bundle.getSymbolicName())) {
        return bundle;
      }
    }
    return null;
  }

  @Override
  public @Nullable CharSequence format(Object value, int level, Converter escape) {
    return null;
  }
}
