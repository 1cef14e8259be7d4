package duality.shell.machine;

import duality.vmm.GuestAgent;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs no commands: each job prints what the test says, some bytes at a time, and ends as the test
 * says.
 */
final class FakeAgent implements GuestAgent {
  boolean ready = true;
  String output = "";
  String state = "exited";
  int status;
  String why = "";
  int atATime = 3;
  Runnable whileRunning = () -> {};
  final List<String> started = new ArrayList<>();
  final List<Long> forgotten = new ArrayList<>();
  private int read;

  @Override
  public boolean ready() {
    return ready;
  }

  @Override
  public long start(String command, long timeoutMillis) {
    started.add(command + " within " + timeoutMillis);
    read = 0;
    return started.size();
  }

  @Override
  public long feed(String command, String input, long timeoutMillis) {
    return start(command + " with " + input.length() + " bytes", timeoutMillis);
  }

  @Override
  public String output(long job, long position, int most, long waitMillis) {
    whileRunning.run();
    int from = (int) position;
    read = Math.min(output.length(), from + Math.min(most, atATime));
    return output.substring(from, read);
  }

  @Override
  public Job job(long job) {
    boolean ended = read == output.length();
    return new Job(
        job,
        started.getLast(),
        ended ? state : "running",
        ended ? status : -1,
        why,
        output.length());
  }

  @Override
  public void kill(long job) {}

  @Override
  public void forget(long job) {
    forgotten.add(job);
  }

  @Override
  public void reset() {}
}
