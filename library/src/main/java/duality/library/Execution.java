package duality.library;

/**
 * A command that has ended.
 *
 * @param command what was run
 * @param status 0 to 255; 128 + signal when one ended it
 * @param stdout what it wrote to standard output, as UTF-8
 * @param stderr what it wrote to standard error
 */
public record Execution(String command, int status, String stdout, String stderr) {
  /**
   * This execution, when it went well.
   *
   * @throws MachineException with what it wrote to standard error, when its status is not 0
   */
  public Execution orThrow() {
    if (status != 0) {
      throw new MachineException(
          "'"
              + command
              + "' ended with status "
              + status
              + (stderr.isBlank() ? "" : ": " + stderr.strip()));
    }
    return this;
  }
}
