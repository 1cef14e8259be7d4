package duality.shell.terminal;

import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.lab.LabCommands;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;
import org.jspecify.annotations.Nullable;

/**
 * What Tab offers: commands, their options, and names of what there is, by the command's syntax.
 */
final class Completion implements Completer {
  private static final int MOST_FILES = 500;

  private final Names names;
  private final Supplier<Path> folder;

  /**
   * For a session.
   *
   * @param folder where relative file names start
   */
  Completion(Names names, Supplier<Path> folder) {
    this.names = names;
    this.folder = folder;
  }

  @Override
  public void complete(LineReader reader, ParsedLine parsed, List<Candidate> candidates) {
    if (parsed instanceof CommandLine line) {
      candidates.addAll(candidates(line));
    }
  }

  /** All that could stand where the cursor is. */
  List<Candidate> candidates(CommandLine line) {
    List<String> before = line.before();
    if (before.isEmpty()) {
      return commands(line.word(), true);
    }
    Optional<Syntax> found = syntax(before.getFirst());
    if (found.isEmpty()) {
      return files(line.word());
    }
    Syntax syntax = found.get();
    List<String> places = new ArrayList<>();
    List<String> given = new ArrayList<>();
    for (int i = 1; i < before.size(); i++) {
      Syntax.Option option = syntax.option(before.get(i)).orElse(null);
      if (option == null) {
        places.add(before.get(i));
        continue;
      }
      given.add(option.name());
      if (option.kind() != Kind.FLAG) {
        i++;
        if (i == before.size()) {
          return option.choices().isEmpty()
              ? values(option.kind(), line.word(), places)
              : plain(option.choices());
        }
      }
    }
    Syntax.Parameter parameter = syntax.parameter(places.size());
    boolean inRest = parameter != null && parameter.closed() && places.size() >= place(syntax);
    if (line.word().startsWith("-") && !(inRest && places.size() > place(syntax))) {
      return options(syntax, given);
    }
    if (parameter == null) {
      return options(syntax, given);
    }
    List<Candidate> values = values(parameter.kind(), line.word(), places);
    return values.isEmpty() && line.word().isEmpty() && !parameter.rest()
        ? options(syntax, given)
        : values;
  }

  private static int place(Syntax syntax) {
    return syntax.parameters().size() - 1;
  }

  private List<Candidate> options(Syntax syntax, List<String> given) {
    List<Candidate> candidates = new ArrayList<>();
    for (Syntax.Option option : syntax.options()) {
      if (option.repeated() || !given.contains(option.name())) {
        candidates.add(described(option.name(), option.text()));
      }
    }
    candidates.add(described("--help", "all about this command"));
    return candidates;
  }

  private List<Candidate> values(Kind kind, String word, List<String> places) {
    return switch (kind) {
      case MACHINE -> plain(names.machines());
      case TASK -> plain(names.tasks());
      case NETWORK -> plain(names.networks());
      case IMAGE -> plain(names.images());
      case ENDPOINT -> plain(names.endpoints());
      case SERVER ->
          places.equals(List.of("update"))
              ? plain(names.bundles())
              : plain(names.servers(places.isEmpty() ? "" : places.getLast()));
      case MOVES -> moves(word, places);
      case BUNDLE -> plain(names.bundles());
      case EXPERIMENT -> plain(LabCommands.names());
      case COMMAND -> commands(word, false);
      case FILE -> files(word);
      case GUEST_FILE -> guestFiles(word);
      default -> List.of();
    };
  }

  /** Endpoints and servers in turn; for a plan of an update a file. */
  private List<Candidate> moves(String word, List<String> places) {
    if (places.getFirst().equals("update")) {
      return files(word);
    }
    return values(places.size() % 2 == 0 ? Kind.ENDPOINT : Kind.SERVER, word, places);
  }

  private List<Candidate> commands(String word, boolean first) {
    List<Candidate> candidates = new ArrayList<>();
    List<Syntax> syntaxes = names.syntaxes();
    for (Syntax syntax : syntaxes) {
      candidates.add(described(syntax.name(), syntax.summary()));
      // Without its scope a command is offered when somebody has begun to type it.
      if (first && !word.isEmpty() && !word.contains(":")) {
        candidates.add(described(syntax.function(), syntax.summary()));
      }
    }
    for (String name : names.commands()) {
      if (syntaxes.stream().noneMatch(syntax -> syntax.name().equals(name))) {
        candidates.add(new Candidate(name));
      }
    }
    return candidates;
  }

  private Optional<Syntax> syntax(String command) {
    List<Syntax> all = names.syntaxes();
    for (String scope : List.of("", "duality:", "vm:", "task:", "guest:", "kernel:")) {
      for (Syntax syntax : all) {
        if (syntax.name().equals(scope + command)) {
          return Optional.of(syntax);
        }
      }
    }
    return Optional.empty();
  }

  private List<Candidate> files(String word) {
    int slash = word.lastIndexOf('/') + 1;
    String parent = word.substring(0, slash);
    List<Candidate> candidates = new ArrayList<>();
    try (DirectoryStream<Path> entries =
        Files.newDirectoryStream(folder.get().resolve(parent.isEmpty() ? "." : parent))) {
      for (Path entry : entries) {
        String name = parent + entry.getFileName();
        boolean hidden = entry.getFileName().toString().startsWith(".");
        if (hidden && !word.substring(slash).startsWith(".")) {
          continue;
        }
        if (Files.isDirectory(entry)) {
          candidates.add(unfinished(name + "/"));
        } else {
          candidates.add(new Candidate(name));
        }
        if (candidates.size() == MOST_FILES) {
          break;
        }
      }
    } catch (IOException | InvalidPathException e) {
      return List.of();
    }
    return candidates;
  }

  /** Files of the host, machines, and behind a machine's colon the files of its guest. */
  private List<Candidate> guestFiles(String word) {
    int colon = word.indexOf(':');
    List<Candidate> candidates = new ArrayList<>();
    if (colon < 0) {
      names.machines().forEach(name -> candidates.add(unfinished(name + ":")));
      candidates.addAll(files(word));
    } else if (names.machines().contains(word.substring(0, colon))) {
      String folder = word.substring(colon + 1, Math.max(colon, word.lastIndexOf('/')) + 1);
      boolean hidden = word.substring(colon + 1 + folder.length()).startsWith(".");
      for (String name : names.guestFiles(word.substring(0, colon), folder)) {
        if (!name.equals("./") && !name.equals("../") && (hidden || !name.startsWith("."))) {
          String whole = word.substring(0, colon + 1) + folder + name;
          candidates.add(name.endsWith("/") ? unfinished(whole) : new Candidate(whole));
        }
      }
    }
    return candidates;
  }

  /** Something behind which a person goes on typing. */
  private static Candidate unfinished(String value) {
    return new Candidate(value, value, null, null, null, null, false);
  }

  private static List<Candidate> plain(Iterable<String> values) {
    List<Candidate> candidates = new ArrayList<>();
    values.forEach(value -> candidates.add(new Candidate(value)));
    return candidates;
  }

  private static Candidate described(String value, @Nullable String description) {
    return new Candidate(value, value, null, description, null, null, true);
  }
}
