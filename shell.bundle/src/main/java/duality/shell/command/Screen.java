package duality.shell.command;

import java.io.IOException;

/** What is in front of the person who gives commands; in a script nobody is. */
public interface Screen {
  /** Session variable: the screen of the session. */
  String VARIABLE = ".screen";

  /** A script's: not interactive, as wide as needed. */
  Screen NONE =
      new Screen() {
        @Override
        public boolean interactive() {
          return false;
        }

        @Override
        public int width() {
          return Integer.MAX_VALUE;
        }

        @Override
        public int height() {
          return Integer.MAX_VALUE;
        }

        @Override
        public Keyboard raw() throws IOException {
          throw new IOException("there is no terminal");
        }
      };

  /** Whether a person sees what is written at once, on a terminal. */
  boolean interactive();

  /** Its width in characters. */
  int width();

  /** Its height in lines. */
  int height();

  /** Takes the keyboard over, key by key, with nothing shown and Ctrl-C a key as any other. */
  Keyboard raw() throws IOException;

  /** The keyboard, key by key. */
  interface Keyboard extends AutoCloseable {
    /** Answer of {@link #read}: no key in time. */
    int NONE = -2;

    /** The next byte of a key, -1 at the end of input, or {@link #NONE}. */
    int read(long timeoutMillis) throws IOException;

    /** Gives the keyboard back. */
    @Override
    void close();
  }
}
