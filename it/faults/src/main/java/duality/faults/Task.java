package duality.faults;

/**
 * One injection to be done.
 *
 * @param number which of its kind of component, from 0; with the seed it says all about it
 * @param component where
 * @param site what
 */
record Task(int number, Component component, Site site) {
  /** Short and unique in a campaign: the name of its guest, and of its bundle. */
  String name() {
    return component.label().charAt(0) + "" + component.ordinal() + "n" + number;
  }
}
