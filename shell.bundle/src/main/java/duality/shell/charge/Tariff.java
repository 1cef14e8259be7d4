package duality.shell.charge;

import duality.drivers.DriverWork.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The prices of all drivers: a descriptor of a disk is another piece of work than one of a network
 * card.
 *
 * @param byDriver prices by name of the driver's server
 * @param others prices of all others
 */
public record Tariff(Map<String, CostModel> byDriver, CostModel others) {
  /**
   * Prices of the host on which this was written; see {@code docs/lab/charges.md}. Another host's
   * are what {@code lab:run charges} prints.
   */
  public static final Tariff USUAL =
      new Tariff(
          Map.of(
              "virtio.blk", new CostModel(7_700, 0, 0, 0),
              "store.file", new CostModel(14_400, 70, 160, 0),
              "virtio.net", new CostModel(19_300, 3_800, 0, 0),
              "virtio.console", new CostModel(18_200, 0, 7_000, 6_500),
              "virtio.rng", new CostModel(19_100, 0, 0, 0),
              "console.host", new CostModel(100, 0, 8_400, 0)),
          new CostModel(12_000, 200, 300, 0));

  private static final String BETWEEN = "/";

  /** With a copy of the map. */
  public Tariff {
    byDriver = Map.copyOf(byDriver);
  }

  /** The prices of a driver. */
  public CostModel of(String driver) {
    return byDriver.getOrDefault(driver, others);
  }

  /** The processor time that work of a driver stands for, in nanoseconds. */
  public double charge(String driver, Work work) {
    return of(driver).charge(work);
  }

  /** As {@link #parse} takes it. */
  public String show() {
    List<String> parts = new ArrayList<>(List.of(others.show()));
    new TreeMap<>(byDriver).forEach((driver, prices) -> parts.add(driver + ":" + prices.show()));
    return String.join(BETWEEN, parts);
  }

  /**
   * Prices as {@link CostModel#parse} takes them, of several drivers: {@code
   * virtio.blk:6000,0,0,3000/store.file:5000,150,150,0}; those without a name are for all others.
   *
   * @param usual what holds for drivers that are not named; none of it when some are given for all
   *     others
   * @throws IllegalArgumentException when they are not that; the message says how it should be
   */
  public static Tariff parse(String text, Tariff usual) {
    Map<String, CostModel> named = new TreeMap<>();
    CostModel others = null;
    for (String part : text.split(BETWEEN, -1)) {
      int colon = part.indexOf(':');
      CostModel prices = CostModel.parse(part.substring(colon + 1));
      boolean twice = colon < 0 ? others != null : named.containsKey(part.substring(0, colon));
      if (twice || colon == 0) {
        throw new IllegalArgumentException("'" + part + "' names no driver, or one twice");
      }
      if (colon < 0) {
        others = prices;
      } else {
        named.put(part.substring(0, colon), prices);
      }
    }
    if (others != null) {
      return new Tariff(named, others);
    }
    Map<String, CostModel> all = new TreeMap<>(usual.byDriver);
    all.putAll(named);
    return new Tariff(all, usual.others);
  }
}
