package duality.shell.charge;

import duality.drivers.DriverWork.Work;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What counted work of a driver costs in processor time: linear, as [CG05] found for page
 * exchanges, with a price for each kind of count.
 *
 * @param descriptorNanos a descriptor
 * @param readNanos a KiB moved towards the client
 * @param writtenNanos a KiB moved from the client
 * @param notificationNanos a notification
 */
public record CostModel(
    double descriptorNanos, double readNanos, double writtenNanos, double notificationNanos) {
  private static final int KINDS = 4;
  private static final double KIB = 1024;

  /** A column that is this near to a sum of others says nothing of its own. */
  private static final double INDEPENDENT = 1e-6;

  /**
   * What was counted, and the processor time that it took.
   *
   * @param work the counts
   * @param nanos the measured time
   */
  public record Sample(Work work, double nanos) {}

  /** The processor time that work stands for, in nanoseconds. */
  public double charge(Work work) {
    double charge = 0;
    double[] counts = counts(work);
    double[] prices = prices();
    for (int i = 0; i < KINDS; i++) {
      charge += counts[i] * prices[i];
    }
    return charge;
  }

  private double[] prices() {
    return new double[] {descriptorNanos, readNanos, writtenNanos, notificationNanos};
  }

  private static double[] counts(Work work) {
    return new double[] {
      work.descriptors(), work.readBytes() / KIB, work.writtenBytes() / KIB, work.notifications()
    };
  }

  /**
   * The prices that fit best: least squares of the relative error, so that small samples say as
   * much as large ones. A kind whose counts follow from the others' gets no price of its own, one
   * that would get a negative price neither, nor one of which no sample has a whole unit: what a
   * KiB costs cannot be seen from a few bytes.
   */
  public static CostModel fit(List<Sample> samples) {
    boolean[] priced = new boolean[KINDS];
    for (Sample each : samples) {
      double[] counts = counts(each.work);
      for (int i = 0; i < KINDS; i++) {
        priced[i] |= counts[i] >= 1;
      }
    }
    double[] prices = solve(samples, priced);
    for (int round = 0; round < KINDS; round++) {
      int least = 0;
      for (int i = 1; i < KINDS; i++) {
        least = prices[i] < prices[least] ? i : least;
      }
      if (prices[least] >= 0) {
        break;
      }
      priced[least] = false;
      prices = solve(samples, priced);
    }
    return new CostModel(prices[0], prices[1], prices[2], prices[3]);
  }

  /** Normal equations by Gauss and Jordan, columns in turn; those without a price stay zero. */
  private static double[] solve(List<Sample> samples, boolean[] priced) {
    double[][] rows = new double[KINDS][KINDS + 1];
    for (Sample each : samples) {
      double[] counts = counts(each.work);
      double weight = 1 / (each.nanos * each.nanos);
      for (int i = 0; i < KINDS; i++) {
        for (int j = 0; j < KINDS; j++) {
          rows[i][j] += weight * counts[i] * counts[j];
        }
        rows[i][KINDS] += weight * counts[i] * each.nanos;
      }
    }
    double[] before = new double[KINDS];
    for (int i = 0; i < KINDS; i++) {
      before[i] = rows[i][i];
    }
    boolean[] used = new boolean[KINDS];
    for (int column = 0; column < KINDS; column++) {
      if (!priced[column] || rows[column][column] <= INDEPENDENT * before[column]) {
        continue;
      }
      used[column] = true;
      double pivot = rows[column][column];
      for (int j = 0; j <= KINDS; j++) {
        rows[column][j] /= pivot;
      }
      for (int i = 0; i < KINDS; i++) {
        double factor = rows[i][column];
        if (i != column) {
          for (int j = 0; j <= KINDS; j++) {
            rows[i][j] -= factor * rows[column][j];
          }
        }
      }
    }
    double[] prices = new double[KINDS];
    for (int i = 0; i < KINDS; i++) {
      prices[i] = used[i] ? rows[i][KINDS] : 0;
    }
    return prices;
  }

  /** How much of the samples' differences the prices explain: 1 is all, R². */
  public double explained(List<Sample> samples) {
    return rSquared(
        samples.stream().mapToDouble(each -> charge(each.work)).toArray(),
        samples.stream().mapToDouble(Sample::nanos).toArray());
  }

  /** R² of the best line through points. */
  public static double lineExplains(double[] x, double[] y) {
    double meanX = Arrays.stream(x).average().orElse(0);
    double meanY = Arrays.stream(y).average().orElse(0);
    double above = 0;
    double below = 0;
    for (int i = 0; i < x.length; i++) {
      above += (x[i] - meanX) * (y[i] - meanY);
      below += (x[i] - meanX) * (x[i] - meanX);
    }
    double slope = below == 0 ? 0 : above / below;
    double[] predicted = Arrays.stream(x).map(each -> meanY + slope * (each - meanX)).toArray();
    return rSquared(predicted, y);
  }

  private static double rSquared(double[] predicted, double[] measured) {
    double mean = Arrays.stream(measured).average().orElse(0);
    double left = 0;
    double all = 0;
    for (int i = 0; i < measured.length; i++) {
      left += (measured[i] - predicted[i]) * (measured[i] - predicted[i]);
      all += (measured[i] - mean) * (measured[i] - mean);
    }
    return all == 0 ? 0 : 1 - left / all;
  }

  private static boolean isPrice(double nanos) {
    return nanos >= 0 && nanos < Double.POSITIVE_INFINITY;
  }

  /** The prices as one word, as {@link #parse} takes them. */
  public String show() {
    return String.format(
        Locale.ROOT,
        "%.0f,%.0f,%.0f,%.0f",
        descriptorNanos,
        readNanos,
        writtenNanos,
        notificationNanos);
  }

  /**
   * Prices in nanoseconds: descriptor, KiB read, KiB written, notification.
   *
   * @throws IllegalArgumentException when they are not that; the message says how it should be
   */
  public static CostModel parse(String text) {
    String[] parts = text.split(",", -1);
    try {
      double[] prices = Arrays.stream(parts).mapToDouble(Double::parseDouble).toArray();
      if (prices.length == KINDS && Arrays.stream(prices).allMatch(CostModel::isPrice)) {
        return new CostModel(prices[0], prices[1], prices[2], prices[3]);
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "'"
            + text
            + "' is not four prices in nanoseconds, such as "
            + "7000,100,100,3000"
            + ": of a descriptor, a KiB read, a KiB written, a notification");
  }
}
