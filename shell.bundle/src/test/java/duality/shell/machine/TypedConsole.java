package duality.shell.machine;

import duality.drivers.Console;

/** A console in the test's memory that forgets nothing. */
final class TypedConsole implements Console {
  private final StringBuilder output = new StringBuilder();
  private final StringBuilder typed = new StringBuilder();

  @Override
  public synchronized void written(String bytes) {
    output.append(bytes);
    notifyAll();
  }

  @Override
  public synchronized String input(int most) {
    String taken = typed.substring(0, Math.min(most, typed.length()));
    typed.delete(0, taken.length());
    return taken;
  }

  @Override
  public synchronized int type(String bytes) {
    typed.append(bytes);
    return bytes.length();
  }

  @Override
  public synchronized long position() {
    return output.length();
  }

  @Override
  public long oldest() {
    return 0;
  }

  @Override
  public synchronized String output(long position, int most, long timeoutMillis) {
    long end = System.nanoTime() + timeoutMillis * 1_000_000;
    while (output.length() <= position && System.nanoTime() < end) {
      try {
        wait(Math.max(1, (end - System.nanoTime()) / 1_000_000));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return "";
      }
    }
    int from = (int) Math.min(position, output.length());
    return output.substring(from, Math.min(output.length(), from + most));
  }
}
