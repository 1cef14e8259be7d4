package duality.bench;

import duality.kernel.processor.Engine;
import duality.processor.interpreter.Interpreter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Million guest instructions per CPU second of the interpreter and of QEMU, on the program {@code
 * mix}, one after the other in each round, so that what else the machine does hits all alike.
 *
 * <p>{@code EngineBenchmark [ROUNDS [ITERATIONS [MIX [JSON]]]]}: 7 rounds of 1,000 iterations (302
 * million instructions) unless told otherwise; QEMU gets four times as many, because its processor
 * time is read in hundredths of a second and has its start in it. Each runs {@code mix} in two
 * ways: as a user program ({@code qemu-riscv64}), and behind Sv39 page tables on the bare machine
 * ({@code qemu-system-riscv64}), see {@link BareImage}.
 */
public final class EngineBenchmark {
  private static final int QEMU_FACTOR = 4;

  private EngineBenchmark() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 7;
    int iterations = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1000;
    Path mix = Path.of(arguments.length > 2 ? arguments[2] : "bench/src/guest/mix");
    GuestProgram program = GuestProgram.read(mix);
    Engine engine = new Interpreter();
    byte[] image = BareImage.memory(program, "mix", "" + iterations);
    byte[] longImage = BareImage.memory(program, "mix", "" + QEMU_FACTOR * iterations);
    Path bare = Files.createTempFile("mix", ".elf");
    try {
      Files.write(bare, BareImage.elf(longImage));
      List<Double> user = new ArrayList<>();
      List<Double> full = new ArrayList<>();
      List<Double> qemuUser = new ArrayList<>();
      List<Double> qemuSystem = new ArrayList<>();
      System.out.printf(
          "%5s %12s %12s %12s %12s   million instructions per CPU second%n",
          "round", "user", "qemu user", "full", "qemu system");
      for (int round = 0; round <= rounds; round++) {
        EngineRun u = EngineRun.user(engine, program, "mix", "" + iterations);
        double million = u.instructions() / 1e6;
        String n = "" + QEMU_FACTOR * iterations;
        double qu = million * QEMU_FACTOR / qemu("qemu-riscv64", mix.toString(), n);
        EngineRun f = EngineRun.full(engine, image);
        if (!f.checksum().equals(u.checksum())) {
          throw new IllegalStateException("user and full mode disagree: " + f + ", " + u);
        }
        double qs =
            million
                * QEMU_FACTOR
                / qemu(
                    "qemu-system-riscv64",
                    "-M",
                    "virt",
                    "-m",
                    "32M",
                    "-nographic",
                    "-bios",
                    "none",
                    "-kernel",
                    bare.toString());
        if (round == 0) {
          continue; // the JVM is still compiling
        }
        user.add(million / u.cpuSeconds());
        full.add(f.instructions() / 1e6 / f.cpuSeconds());
        qemuUser.add(qu);
        qemuSystem.add(qs);
        print("" + round, last(user), last(qemuUser), last(full), last(qemuSystem));
      }
      print("median", median(user), median(qemuUser), median(full), median(qemuSystem));
      System.out.printf(
          Locale.ROOT,
          "ratio to QEMU: user %.3f, full system %.3f%n",
          median(user) / median(qemuUser),
          median(full) / median(qemuSystem));
      if (arguments.length > 3) {
        Files.writeString(Path.of(arguments[3]), json(user, qemuUser, full, qemuSystem));
      }
    } finally {
      Files.delete(bare);
    }
  }

  /** Millions of instructions per CPU second of each round and their medians, and the ratios. */
  private static String json(
      List<Double> user, List<Double> qemuUser, List<Double> full, List<Double> qemuSystem) {
    return String.format(
        Locale.ROOT,
        "{%n%s,%n%s,%n%s,%n%s,%n  \"userRatio\": %.4f,%n  \"systemRatio\": %.4f%n}%n",
        json("user", user),
        json("qemuUser", qemuUser),
        json("full", full),
        json("qemuSystem", qemuSystem),
        median(user) / median(qemuUser),
        median(full) / median(qemuSystem));
  }

  private static String json(String name, List<Double> rounds) {
    String all =
        rounds.stream()
            .map(each -> String.format(Locale.ROOT, "%.1f", each))
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT, "  \"%s\": {\"median\": %.1f, \"rounds\": [%s]}", name, median(rounds), all);
  }

  private static void print(
      String round, double user, double qemuUser, double full, double qemuSystem) {
    System.out.printf(
        Locale.ROOT, "%5s %12.0f %12.0f %12.0f %12.0f%n", round, user, qemuUser, full, qemuSystem);
  }

  private static double last(List<Double> values) {
    return values.get(values.size() - 1);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  /** Runs a program to its end and answers its processor seconds. */
  private static double qemu(String... command) throws IOException, InterruptedException {
    double before = childrenSeconds();
    Process process =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    if (status != 0) {
      throw new IllegalStateException(String.join(" ", command) + " ended with " + status);
    }
    EngineRun.checksum(output); // it did the work
    return childrenSeconds() - before;
  }

  /**
   * Processor time of all children that have ended, from Linux' proc(5), fields 16 and 17 of stat.
   */
  private static double childrenSeconds() throws IOException {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) / 100.0;
  }
}
