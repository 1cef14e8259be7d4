package duality.personality.linux;

/** The clocks of clock_gettime. */
interface TaskClock {
  int REALTIME = 0;

  /** Time since the start. */
  int MONOTONIC = 1;

  /**
   * A clock's value in nanoseconds, or a negative number when there is no such clock.
   *
   * @param id number of include/uapi/linux/time.h: 0 real time, 1 monotonic, 2 and 3 processor
   *     time, 4 to 7 variants of the first two
   */
  long nanos(int id);
}
