package duality.vmm.machine;

import duality.drivers.Console;
import duality.vmm.VirtualMachine;
import java.util.HashMap;
import java.util.Map;

final class Boot {
  public static void main(String[] a) throws Exception {
    Map<String, String> config = new HashMap<>();
    int cpus = Integer.getInteger("cpus", 1);
    for (String s : a) {
      int i = s.indexOf('=');
      config.put(s.substring(0, i), s.substring(i + 1));
    }
    Rig rig = new Rig(cpus, 1L << 31);
    VirtualMachine vm = rig.machine("a", config);
    Console c = rig.console("a");
    long t0 = System.nanoTime();
    vm.start();
    System.err.println("started " + (System.nanoTime() - t0) / 1e6 + " ms");
    Thread in = new Thread(() -> {
      try {
        int b;
        while ((b = System.in.read()) >= 0) {
          c.type(String.valueOf((char) b));
        }
      } catch (Exception e) {
        e.printStackTrace();
      }
    });
    in.setDaemon(true);
    in.start();
    long at = 0;
    long last = System.nanoTime();
    while (true) {
      String s = c.output(at, 65536, 500);
      at += s.length();
      System.out.print(s);
      System.out.flush();
      long now = System.nanoTime();
      if (now - last > 5_000_000_000L) {
        last = now;
        var r = vm.report();
        System.err.println("[" + (now - t0) / 1000000 + " ms " + r.state() + " cpu " + r.cpuNanos() / 1000000 + " ms insns " + r.instructions() + " resident " + (r.residentBytes() >> 20) + " MiB] " + rig.core.threads());
      }
      if (!vm.report().state().equals("running") && s.isEmpty()) break;
    }
    System.err.println(vm.report());
    rig.core.trace().forEach(System.err::println);
    System.err.println(rig.core.counters());
    System.err.println(rig.core.endpoints());
    rig.close();
    System.exit(0);
  }
}
