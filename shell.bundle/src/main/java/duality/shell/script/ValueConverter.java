package duality.shell.script;

import duality.shell.text.Drawing;
import org.apache.felix.service.command.Converter;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Draws values that go into pipes, as wide as they are. */
@Component(service = Converter.class)
public final class ValueConverter implements Converter {
  @Override
  public @Nullable Object convert(Class<?> type, Object value) {
    return null;
  }

  @Override
  public @Nullable CharSequence format(Object value, int level, Converter escape) {
    return level == INSPECT ? Drawing.draw(value, Integer.MAX_VALUE) : Drawing.inline(value);
  }
}
