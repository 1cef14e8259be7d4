package duality.personality.linux;

import duality.kernel.State;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The line discipline between the console and the processes: editing and echo of lines, the keys
 * that send signals, the foreground group (POSIX.1-2017, chapter 11; numbers of
 * include/uapi/asm-generic/{termbits,ioctls}.h). Without a person in front of it, it is two pipes.
 */
final class Terminal {
  /** The wire to the console. */
  interface Line {
    /** Takes bytes that were typed; empty when there are none. */
    String input();

    /** Shows bytes. */
    void output(String bytes);
  }

  private static final int SETTINGS_BYTES = 36;
  private static final int CONTROLS = 17;
  private static final int INTR = 0;
  private static final int QUIT = 1;
  private static final int ERASE = 2;
  private static final int KILL = 3;
  private static final int EOF = 4;
  private static final int SUSPEND = 10;
  private static final int WORD_ERASE = 14;
  private static final int MIN = 6;

  // Bits of c_iflag, c_oflag, c_lflag:
  private static final int ICRNL = 0400;
  private static final int OPOST = 1;
  private static final int ONLCR = 4;
  private static final int ISIG = 1;
  private static final int ICANON = 2;
  private static final int ECHO = 010;
  private static final int ECHOCTL = 01000;

  private static final int MOST_INPUT = 1 << 16;

  private final Linux linux;
  private final Line line;
  private final boolean interactive;

  /** struct termios, as cooked terminals start. */
  private final ByteBuffer settings = UserMemory.numbers(SETTINGS_BYTES);

  /** Rows, columns, and two that nobody uses. */
  private final short[] size = {24, 80, 0, 0};

  /** Group of processes in the foreground. */
  int foreground = 1;

  /** The line that is being edited. */
  private byte[] edited = new byte[256];

  private int length;

  /** What can be read: lines, or in raw mode whatever came. An empty one is an end of input. */
  private final ArrayDeque<byte[]> ready = new ArrayDeque<>();

  private int readyBytes;

  Terminal(Linux linux, Line line, boolean interactive) {
    this.linux = linux;
    this.line = line;
    this.interactive = interactive;
    settings.putInt(0, ICRNL).putInt(4, OPOST | ONLCR).putInt(8, 0xbf);
    settings.putInt(12, ISIG | ICANON | ECHO | 020 | 040 | ECHOCTL | 04000 | 0100000);
    byte[] keys = {3, 0x1c, 0x7f, 0x15, 4, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0x0f, 0x17, 0x16, 0};
    settings.position(CONTROLS).put(keys).rewind();
  }

  /** Whether a person is in front of it. */
  boolean interactive() {
    return interactive;
  }

  private boolean local(int bit) {
    return (settings.getInt(12) & bit) != 0;
  }

  private boolean isKey(byte typed, int which) {
    byte key = settings.get(CONTROLS + which);
    return key != 0 && typed == key;
  }

  // ---- from the console ----

  /** Takes what was typed. */
  void take() {
    for (String typed = line.input(); !typed.isEmpty(); typed = line.input()) {
      StringBuilder echo = new StringBuilder();
      for (byte each : typed.getBytes(StandardCharsets.ISO_8859_1)) {
        typed(each == '\r' && (settings.getInt(0) & ICRNL) != 0 ? (byte) '\n' : each, echo);
      }
      if (!echo.isEmpty()) {
        show(echo.toString());
      }
      linux.wake(this);
    }
  }

  private void typed(byte key, StringBuilder echo) {
    if (local(ISIG)) {
      int signal =
          isKey(key, INTR)
              ? Signals.INTERRUPT
              : isKey(key, QUIT) ? Signals.QUIT : isKey(key, SUSPEND) ? Signals.TERMINAL_STOP : 0;
      if (signal != 0) {
        length = 0;
        ready.clear();
        readyBytes = 0;
        echo(key, echo);
        linux.post(each -> each.group == foreground, signal, Signals.Origin.KERNEL);
        return;
      }
    }
    if (!local(ICANON)) {
      echo(key, echo);
      give(new byte[] {key});
    } else if (isKey(key, ERASE) || key == 8) {
      erase(1, echo);
    } else if (isKey(key, KILL)) {
      erase(length, echo);
    } else if (isKey(key, WORD_ERASE)) {
      int word = length;
      while (word > 0 && edited[word - 1] == ' ') {
        word--;
      }
      while (word > 0 && edited[word - 1] != ' ') {
        word--;
      }
      erase(length - word, echo);
    } else if (isKey(key, EOF)) {
      give(Arrays.copyOf(edited, length));
      length = 0;
    } else if (length < 4095) {
      if (length == edited.length) {
        edited = Arrays.copyOf(edited, 2 * length);
      }
      edited[length++] = key;
      echo(key, echo);
      if (key == '\n') {
        give(Arrays.copyOf(edited, length));
        length = 0;
      }
    }
  }

  private void echo(byte key, StringBuilder echo) {
    if (!local(ECHO)) {
      return;
    }
    if (local(ECHOCTL) && key >= 0 && key < 32 && key != '\n' && key != '\t') {
      echo.append('^').append((char) (key + 64));
    } else {
      echo.append((char) (key & 0xff));
    }
  }

  private void erase(int count, StringBuilder echo) {
    for (int i = 0; i < count && length > 0; i++) {
      byte gone = edited[--length];
      // The bytes behind the first of a UTF-8 character take no place on the screen.
      while (length > 0 && (gone & 0xc0) == 0x80) {
        gone = edited[--length];
      }
      if (local(ECHO)) {
        echo.append(gone >= 0 && gone < 32 ? "\b \b\b \b" : "\b \b");
      }
    }
  }

  private void give(byte[] bytes) {
    if (readyBytes + bytes.length <= MOST_INPUT) {
      ready.add(bytes);
      readyBytes += bytes.length;
    }
  }

  // ---- for the processes ----

  /** Whether a read would not wait. */
  boolean readable() {
    return !ready.isEmpty();
  }

  /** Reads; the caller waits when there is nothing. */
  long read(Process caller, byte[] into, int most) {
    if (!interactive && ready.isEmpty()) {
      return 0;
    }
    if (interactive
        && caller.group != foreground
        && caller.session == linux.init().session
        && !caller.signals().isIgnored(Signals.TERMINAL_INPUT)) {
      linux.post(each -> each.group == caller.group, Signals.TERMINAL_INPUT, Signals.Origin.KERNEL);
      return SystemCalls.BLOCKED;
    }
    if (ready.isEmpty()) {
      boolean waits = local(ICANON) || settings.get(CONTROLS + MIN) != 0;
      return waits ? SystemCalls.BLOCKED : 0;
    }
    int taken = 0;
    do {
      byte[] next = ready.removeFirst();
      int part = Math.min(next.length, most - taken);
      System.arraycopy(next, 0, into, taken, part);
      taken += part;
      if (part < next.length) {
        ready.addFirst(Arrays.copyOfRange(next, part, next.length));
      }
    } while (!local(ICANON) && taken < most && !ready.isEmpty());
    readyBytes -= taken;
    return taken;
  }

  /** Writes what a process has written. */
  void write(byte[] bytes, int count) {
    if (count > 0) {
      show(new String(bytes, 0, count, StandardCharsets.ISO_8859_1));
    }
  }

  private void show(String text) {
    boolean translated = interactive && (settings.getInt(4) & (OPOST | ONLCR)) == (OPOST | ONLCR);
    line.output(translated ? text.replace("\n", "\r\n") : text);
  }

  /** System call ioctl. */
  long control(Process caller, int request, long address) throws Failed {
    if (!interactive) {
      throw new Failed(Errno.ENOTTY);
    }
    UserMemory memory = caller.memory();
    switch (request) {
      case 0x5401 -> memory.write(address, settings.array()); // TCGETS
      case 0x5402, 0x5403, 0x5404 -> { // TCSETS, TCSETSW, TCSETSF
        byte[] wanted = memory.read(address, SETTINGS_BYTES);
        boolean lines = local(ICANON);
        settings.put(wanted).rewind();
        if (request == 0x5404) {
          ready.clear();
          readyBytes = 0;
          length = 0;
        } else if (lines && !local(ICANON) && length > 0) {
          give(Arrays.copyOf(edited, length));
          length = 0;
        }
      }
      case 0x540e, 0x5422 -> {} // TIOCSCTTY, TIOCNOTTY: there is one terminal only
      case 0x540f -> memory.writeInt(address, foreground); // TIOCGPGRP
      case 0x5410 -> { // TIOCSPGRP
        int group = memory.readNumbers(address, 4).getInt();
        if (linux.processes.values().stream().noneMatch(each -> each.group == group)) {
          throw new Failed(Errno.ESRCH);
        }
        foreground = group;
      }
      case 0x5413 -> { // TIOCGWINSZ
        ByteBuffer window = UserMemory.numbers(8);
        window.asShortBuffer().put(size);
        memory.write(address, window);
      }
      case 0x5414 -> { // TIOCSWINSZ
        memory.readNumbers(address, 8).asShortBuffer().get(size);
        linux.post(each -> each.group == foreground, 28, Signals.Origin.KERNEL);
      }
      case 0x541b -> memory.writeInt(address, readyBytes); // FIONREAD
      case 0x5429 -> memory.writeInt(address, linux.init().session); // TIOCGSID
      default -> throw new Failed(Errno.EINVAL);
    }
    return 0;
  }

  /** What standard input has when nobody is in front of it; then it is at its end. */
  void feed(String bytes) {
    if (!bytes.isEmpty()) {
      ready.add(bytes.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** Sets its size, as a person's window has it. */
  void size(int rows, int columns) {
    size[0] = (short) rows;
    size[1] = (short) columns;
  }

  State save() {
    List<State> chunks = new ArrayList<>();
    for (byte[] each : ready) {
      chunks.add(State.of("line", 1).with("bytes", each));
    }
    return State.of("terminal", 1)
        .with("settings", settings.array().clone())
        .with("size", new long[] {size[0], size[1]})
        .with("foreground", foreground)
        .with("edited", Arrays.copyOf(edited, length))
        .with("ready", chunks);
  }

  void restore(State saved) {
    saved.expect("terminal", 1);
    byte[] bytes = saved.bytes("settings");
    long[] window = saved.numbers("size");
    edited = saved.bytes("edited");
    if (bytes.length != SETTINGS_BYTES || window.length != 2 || edited.length > 4095) {
      throw new State.Refused("terminal: settings, size or line are not what they can be");
    }
    length = edited.length;
    edited = Arrays.copyOf(edited, 4096);
    settings.put(bytes).rewind();
    size((int) window[0], (int) window[1]);
    foreground = (int) saved.number("foreground", 0, Integer.MAX_VALUE);
    ready.clear();
    readyBytes = 0;
    for (State each : saved.states("ready")) {
      ready.add(each.bytes("bytes"));
      readyBytes += ready.getLast().length;
    }
  }
}
