package duality.vmm.agent;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import duality.drivers.Console;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.vmm.GuestAgent;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs commands in a guest, over the console of the guest's port. A worker reads what the guest
 * writes all the time, so that nothing is lost when nobody reads; callers wait for it on this
 * object's monitor, which also guards everything here.
 */
final class Agent implements GuestAgent, Instance, Session.Listener {
  static final String SCHEMA = "agent";
  private static final int VERSION = 1;

  private static final long AWAKE = 1;
  private static final int READ_BYTES = 1 << 16;
  private static final long READ_MILLIS = 200;
  private static final long LONGEST_WAIT_MILLIS = 1_000;
  private static final int MOST_JOBS = 256;

  private static final long FIRST_GREETING_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final long SLOWEST_GREETING_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long KILL_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Console port;
  private final Notification pump;
  private final SecureRandom random = new SecureRandom();
  private final Session session = new Session(this);
  private final Map<Integer, Command> commands = new TreeMap<>();
  private int newest;

  /** Position in what the guest has written. */
  private long position;

  /** Bytes that the port has not taken yet. */
  private byte[] unsent = new byte[0];

  private long greetedNanos;
  private long greetingNanos = FIRST_GREETING_NANOS;

  /** How often readers were asked to return. */
  private long hurries;

  /** Raised in the middle of {@link Session#accept}, acted upon behind it. */
  private boolean greetingDue;

  Agent(Context context, @Nullable State saved) {
    port = context.slot(Slots.BACKEND, Console.class);
    pump = context.notification("pump");
    if (saved == null) {
      greet();
    } else {
      restore(saved);
    }
    context.worker("pump", pump, AWAKE, bits -> pump());
  }

  // ---- what people ask for ----

  @Override
  public synchronized boolean ready() {
    return session.open();
  }

  @Override
  public synchronized long start(String command, long timeoutMillis) {
    byte[] line = line(command, Frames.MOST_PAYLOAD);
    Command job = begin(command, timeoutMillis);
    send(Frames.write(Frames.RUN, job.number(), line));
    return job.number();
  }

  @Override
  public synchronized long feed(String command, String input, long timeoutMillis) {
    int most = Frames.MOST_PAYLOAD - Frames.FEED_BYTES;
    if (input.length() >= most) {
      throw new CallFailed.BadRequest(
          "a command with its input has at most "
              + most
              + " bytes, and the input alone "
              + input.length());
    }
    byte[] line = line(command, most - input.length());
    Command job = begin(command, timeoutMillis);
    send(Frames.feed(job.number(), line, input.getBytes(ISO_8859_1)));
    return job.number();
  }

  private static byte[] line(String command, int most) {
    byte[] line = command.getBytes(UTF_8);
    if (line.length == 0 || line.length > most || command.indexOf(0) >= 0) {
      throw new CallFailed.BadRequest(
          "a command has 1 to "
              + most
              + " bytes without a zero, not "
              + line.length
              + (command.indexOf(0) >= 0 ? " with one" : ""));
    }
    return line;
  }

  private Command begin(String command, long timeoutMillis) {
    if (!session.open()) {
      throw new CallFailed.BadRequest(
          "the guest's agent has not said hello; wait until the guest is ready, if it has an"
              + " agent");
    }
    if (timeoutMillis < 0) {
      throw new CallFailed.BadRequest("a time-out of " + timeoutMillis + " ms");
    }
    if (commands.size() >= MOST_JOBS || newest == Integer.MAX_VALUE) {
      throw new CallFailed.BadRequest(
          "there are " + commands.size() + " jobs; forget some that have ended");
    }
    long kill =
        timeoutMillis == 0
            ? Command.NEVER
            : System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    newest++;
    Command job = new Command(newest, command, kill);
    commands.put(newest, job);
    return job;
  }

  @Override
  public synchronized String output(long job, long position, int most, long waitMillis) {
    Command command = command(job);
    if (most < 1 || command.forgotten(position)) {
      throw new CallFailed.BadRequest(
          "job "
              + job
              + ": "
              + most
              + " bytes at "
              + position
              + ", where nothing is kept any more");
    }
    long end =
        System.nanoTime()
            + TimeUnit.MILLISECONDS.toNanos(Math.clamp(waitMillis, 0, LONGEST_WAIT_MILLIS));
    long before = hurries;
    while (!command.has(position) && command.running()) {
      long nanos = end - System.nanoTime();
      if (nanos <= 0 || hurries != before) {
        return "";
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, nanos);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        return "";
      }
    }
    if (command.forgotten(position)) {
      throw new CallFailed.BadRequest("job " + job + " is read by somebody else as well");
    }
    return command.has(position) ? new String(command.read(position, most), ISO_8859_1) : "";
  }

  @Override
  public synchronized Job job(long job) {
    return command(job).report();
  }

  @Override
  public synchronized void kill(long job) {
    kill(command(job), "killed");
  }

  @Override
  public synchronized void forget(long job) {
    Command command = job == (int) job ? commands.remove((int) job) : null;
    if (command != null) {
      kill(command, "forgotten");
      command.lost("forgotten");
      notifyAll();
    }
  }

  @Override
  public synchronized void reset() {
    loseAll("the guest stopped or was reset");
    position = port.position();
    unsent = new byte[0];
    greetingNanos = FIRST_GREETING_NANOS;
    greet();
  }

  private Command command(long job) {
    Command command = job == (int) job ? commands.get((int) job) : null;
    if (command == null) {
      throw new CallFailed.BadRequest("there is no job " + job);
    }
    return command;
  }

  private void kill(Command command, String why) {
    if (command.running()) {
      command.killed(why, System.nanoTime() + KILL_NANOS);
      if (session.open()) {
        send(Frames.write(Frames.KILL, command.number(), new byte[0]));
      }
    }
  }

  // ---- the guest's side ----

  /** One turn of the worker, and the next one unless the port is gone for ever. */
  private void pump() {
    try {
      turn();
    } catch (CallFailed.Revoked gone) {
      return;
    } catch (CallFailed passing) {
      // Nobody serves the port just now; the call has waited for somebody already.
    }
    pump.signal(AWAKE);
  }

  /** Reads what the guest wrote, waits for it a little, and looks at the time. */
  private void turn() {
    long from;
    long wait;
    synchronized (this) {
      from = position;
      wait = waitMillis(System.nanoTime());
    }
    String text = port.output(from, READ_BYTES, wait);
    boolean gap = !text.isEmpty() && port.oldest() > from;
    synchronized (this) {
      if (from == position) { // otherwise the guest was reset meanwhile
        take(text, gap);
      }
      keepTime(System.nanoTime());
      flush();
    }
  }

  private void take(String text, boolean gap) {
    if (gap) {
      // Faster than we could read: the console has forgotten a part, and frames have no meaning
      // now.
      position = port.position();
      ended("the guest wrote more than was read in time");
    } else {
      position += text.length();
      session.accept(text.getBytes(ISO_8859_1));
    }
    if (greetingDue) {
      greet();
    }
    if (!text.isEmpty()) {
      notifyAll();
    }
  }

  private void keepTime(long now) {
    for (Command command : commands.values()) {
      if (command.killDue(now)) {
        kill(command, "took longer than it may");
      } else if (command.lostDue(now)) {
        command.lost("killed, but the guest did not confirm it");
        notifyAll();
      }
    }
    if (!session.open() && now - greetedNanos >= greetingNanos) {
      greetingNanos = Math.min(2 * greetingNanos, SLOWEST_GREETING_NANOS);
      greet();
    }
  }

  private long waitMillis(long now) {
    long next = now + TimeUnit.MILLISECONDS.toNanos(READ_MILLIS);
    for (Command command : commands.values()) {
      long due = command.nextNanos();
      if (due != Command.NEVER && due - next < 0) {
        next = due;
      }
    }
    return Math.max(1, TimeUnit.NANOSECONDS.toMillis(next - now));
  }

  private void greet() {
    greetingDue = false;
    long nonce;
    do {
      nonce = random.nextLong();
    } while (nonce == 0);
    greetedNanos = System.nanoTime();
    send(session.greet(nonce));
  }

  private void send(byte[] frame) {
    int before = unsent.length;
    unsent = Arrays.copyOf(unsent, before + frame.length);
    System.arraycopy(frame, 0, unsent, before, frame.length);
    flush();
  }

  private void flush() {
    while (unsent.length > 0) {
      int taken = port.type(new String(unsent, ISO_8859_1));
      unsent = Arrays.copyOfRange(unsent, taken, unsent.length);
      if (taken == 0) {
        // Nobody takes it. Before an answer only the newest greeting is worth keeping.
        if (!session.open()) {
          unsent = new byte[0];
        }
        return;
      }
    }
  }

  private void loseAll(String why) {
    for (Command command : commands.values()) {
      if (command.running()) {
        command.lost(why);
      }
    }
    notifyAll();
  }

  @Override
  public void opened() {
    greetingNanos = FIRST_GREETING_NANOS;
  }

  @Override
  public void ended(String why) {
    loseAll(why);
    greetingNanos = FIRST_GREETING_NANOS;
    greetingDue = true;
  }

  @Override
  public void output(int job, byte[] bytes) {
    Command command = commands.get(job);
    if (command != null && command.running() && !command.append(bytes)) {
      kill(command, "more than " + KEPT_BYTES + " bytes of its output were not read");
    }
  }

  @Override
  public void exit(int job, int kind, int code) {
    Command command = commands.get(job);
    if (command == null || !command.running()) {
      return;
    }
    switch (kind) {
      case 0 -> command.exited(code & 0xFF);
      case 1 -> command.signalled(code & 0x7F);
      default -> command.lost("the guest could not start it: error " + code);
    }
    notifyAll();
  }

  // ---- state ----

  /** A swap need not wait for readers: they come again, to the next instance. */
  @Override
  public synchronized void hurry() {
    hurries++;
    notifyAll();
  }

  @Override
  public synchronized State save() {
    long now = System.nanoTime();
    Collection<Command> all = commands.values();
    List<State> jobs = new ArrayList<>();
    all.forEach(command -> jobs.add(command.save(now)));
    return State.of(SCHEMA, VERSION)
        .with("session", session.save())
        .with("newest", newest)
        .with("position", position)
        .with("unsent", unsent)
        .with("jobs", jobs);
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    long now = System.nanoTime();
    session.restore(saved.state("session"));
    newest = (int) saved.number("newest", 0, Integer.MAX_VALUE);
    position = saved.number("position", 0, Long.MAX_VALUE);
    unsent = saved.bytes("unsent");
    for (State each : saved.states("jobs")) {
      Command command = Command.restore(each, now);
      if (command.number() > newest || commands.put(command.number(), command) != null) {
        throw new State.Refused("agent.jobs: job " + command.number() + " cannot be");
      }
    }
    greetedNanos = now;
  }
}
