package duality.shell.command;

import org.jspecify.annotations.Nullable;

/** What a command does. */
@FunctionalInterface
public interface Action {
  /**
   * Does it.
   *
   * @return its value: a record, a list of records, a text; null for none
   * @throws Exception when it did not work; {@link CommandFailed} and {@link
   *     duality.kernel.CallFailed} are shown by their message alone
   */
  @Nullable Object run(Invocation call) throws Exception;
}
