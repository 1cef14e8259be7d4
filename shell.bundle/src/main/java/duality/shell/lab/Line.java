package duality.shell.lab;

import java.util.Arrays;

/**
 * A straight line through points.
 *
 * @param base y where x is 0
 * @param slope y for each x
 * @param fit the share of y's variance that the line explains (R²); 1 where y does not vary
 */
record Line(double base, double slope, double fit) {
  /** By least squares. */
  static Line through(double[] x, double[] y) {
    double meanX = Arrays.stream(x).average().orElse(0);
    double meanY = Arrays.stream(y).average().orElse(0);
    double above = 0;
    double below = 0;
    double all = 0;
    for (int i = 0; i < x.length; i++) {
      above += (x[i] - meanX) * (y[i] - meanY);
      below += (x[i] - meanX) * (x[i] - meanX);
      all += (y[i] - meanY) * (y[i] - meanY);
    }
    double slope = below == 0 ? 0 : above / below;
    return new Line(meanY - slope * meanX, slope, all == 0 ? 1 : slope * above / all);
  }

  /** y there. */
  double at(double x) {
    return base + x * slope;
  }
}
