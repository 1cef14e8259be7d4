package duality.shell.terminal;

import duality.shell.command.Screen;
import java.io.IOException;
import java.util.EnumSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal;
import org.jline.utils.NonBlockingInputStream;

/** The terminal that the person sits at. */
final class TerminalScreen implements Screen {
  private static final int USUAL_WIDTH = 80;
  private static final int USUAL_HEIGHT = 24;

  private final Terminal terminal;
  private final AtomicBoolean taken = new AtomicBoolean();

  TerminalScreen(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public boolean interactive() {
    return true;
  }

  @Override
  public int width() {
    return terminal.getWidth() > 0 ? terminal.getWidth() : USUAL_WIDTH;
  }

  @Override
  public int height() {
    return terminal.getHeight() > 0 ? terminal.getHeight() : USUAL_HEIGHT;
  }

  /** Whether the keyboard is taken over. */
  boolean taken() {
    return taken.get();
  }

  @Override
  public Keyboard raw() throws IOException {
    if (!(terminal.input() instanceof NonBlockingInputStream keys)) {
      throw new IOException("its input cannot be read key by key");
    }
    if (!taken.compareAndSet(false, true)) {
      throw new IOException("another command has the keyboard");
    }
    Attributes before = terminal.getAttributes();
    Attributes raw = new Attributes(before);
    raw.setLocalFlags(
        EnumSet.of(
            Attributes.LocalFlag.ICANON,
            Attributes.LocalFlag.ECHO,
            Attributes.LocalFlag.IEXTEN,
            Attributes.LocalFlag.ISIG),
        false);
    raw.setInputFlags(
        EnumSet.of(
            Attributes.InputFlag.IXON, Attributes.InputFlag.ICRNL, Attributes.InputFlag.INLCR),
        false);
    terminal.setAttributes(raw);
    return new Keyboard() {
      @Override
      public int read(long timeoutMillis) throws IOException {
        int key = keys.read(timeoutMillis);
        return key == NonBlockingInputStream.READ_EXPIRED ? NONE : key;
      }

      @Override
      public void close() {
        terminal.setAttributes(before);
        taken.set(false);
      }
    };
  }
}
