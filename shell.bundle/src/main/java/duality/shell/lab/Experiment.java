package duality.shell.lab;

import java.util.List;
import java.util.Map;

/** One claim, and how it is tried. */
interface Experiment {
  /** Its name, such as {@code liability}; its page is {@code docs/lab/NAME.md}. */
  String name();

  /** What is asked, in one sentence. */
  String question();

  /** Which rows of the literature it is about, such as {@code HWF+05 claim 1}. */
  String sources();

  /** What each side says will be seen, before anything is run. */
  List<Prediction> predictions();

  /**
   * Runs it.
   *
   * @return what was measured, in the order in which it is to be read
   * @throws Exception when it could not be run; that says nothing about the claim
   */
  Result run(Trial trial) throws Exception;

  /**
   * What a side says.
   *
   * @param side who: the paper
   * @param says what will be seen
   */
  record Prediction(String side, String says) {}

  /**
   * One quantity.
   *
   * @param what what was looked at
   * @param predicted what was predicted for it, by whom; empty when it is only a figure
   * @param measured what was seen
   * @param agrees {@code yes}, {@code no}, or empty when nothing was predicted
   */
  record Finding(String what, String predicted, String measured, String agrees) {
    /** A figure nobody predicted. */
    static Finding figure(String what, String measured) {
      return new Finding(what, "", measured, "");
    }

    /** Something predicted. */
    static Finding of(String what, String predicted, String measured, boolean agrees) {
      return new Finding(what, predicted, measured, agrees ? "yes" : "no");
    }
  }

  /**
   * All that came out.
   *
   * @param findings by quantity
   * @param verdict one or two sentences, with what the result does not show
   * @param tables more figures for the record, by name
   */
  record Result(
      List<Finding> findings, String verdict, Map<String, List<? extends Record>> tables) {
    /** Without more figures. */
    Result(List<Finding> findings, String verdict) {
      this(findings, verdict, Map.of());
    }
  }
}
