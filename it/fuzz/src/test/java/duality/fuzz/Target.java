package duality.fuzz;

import java.util.List;

/** What the fuzzer feeds. The only class that fuzzer and targets share. */
public interface Target extends AutoCloseable {
  /**
   * Does what the bytes say; any bytes mean something.
   *
   * @throws Exception when something came to harm: a finding
   */
  void run(byte[] input) throws Exception;

  /** What has gone wrong since it was asked last, noticed by the system itself. */
  List<String> complaints();

  @Override
  void close();
}
