package duality.shell.terminal;

import duality.shell.command.Syntax;
import java.util.Collection;
import java.util.List;

/** What there is now, by name: what Tab offers. */
interface Names {
  /** Names of machines. */
  Collection<String> machines();

  /**
   * Names of files in a folder of a machine's guest, folders with a slash behind them; none when it
   * does not answer at once.
   */
  Collection<String> guestFiles(String machine, String folder);

  /** Numbers of native programs. */
  Collection<String> tasks();

  /** Names of networks. */
  Collection<String> networks();

  /** Names of guest images. */
  Collection<String> images();

  /** Paths of endpoints. */
  Collection<String> endpoints();

  /** Names of servers that could serve an endpoint; all when the endpoint is unknown. */
  Collection<String> servers(String endpoint);

  /** Symbolic names of the bundles that are installed. */
  Collection<String> bundles();

  /** Names of all commands that Gogo knows. */
  Collection<String> commands();

  /** How our own commands are called. */
  List<Syntax> syntaxes();
}
