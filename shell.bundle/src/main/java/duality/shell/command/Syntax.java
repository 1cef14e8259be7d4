package duality.shell.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a command is called. Made step by step: each method answers a syntax with one thing more. */
public final class Syntax {
  private final String scope;
  private final String name;
  private final String summary;
  private final List<Parameter> parameters;
  private final List<Option> options;
  private final List<String> notes;

  /**
   * A word that stands at its place.
   *
   * @param name how help and errors call it
   * @param kind what it is
   * @param text what it is for
   * @param optional whether it may be left out; only the last ones
   * @param rest whether it takes all words that follow, joined by blanks; only the last one
   * @param closed whether words with dashes that follow its first are its own, too
   */
  public record Parameter(
      String name, Kind kind, String text, boolean optional, boolean rest, boolean closed) {}

  /**
   * A word with two dashes, and its value.
   *
   * @param name with its dashes
   * @param kind what its value is; {@link Kind#FLAG} has none
   * @param text what it is for, with its default
   * @param repeated whether it may be given several times
   * @param choices the possible values; empty for any of its kind
   */
  public record Option(
      String name, Kind kind, String text, boolean repeated, List<String> choices) {
    String usage() {
      if (kind == Kind.FLAG) {
        return name;
      }
      return name + " " + (choices.isEmpty() ? kind.word() : String.join("|", choices));
    }
  }

  private Syntax(
      String scope,
      String name,
      String summary,
      List<Parameter> parameters,
      List<Option> options,
      List<String> notes) {
    this.scope = scope;
    this.name = name;
    this.summary = summary;
    this.parameters = List.copyOf(parameters);
    this.options = List.copyOf(options);
    this.notes = List.copyOf(notes);
  }

  /** A command without parameters and options. */
  public static Syntax of(String scope, String name, String summary) {
    return new Syntax(scope, name, summary, List.of(), List.of(), List.of());
  }

  /** With one more word. */
  public Syntax takes(String parameter, Kind kind, String text) {
    return with(new Parameter(parameter, kind, text, false, false, false));
  }

  /** With one more word that may be left out. */
  public Syntax mayTake(String parameter, Kind kind, String text) {
    return with(new Parameter(parameter, kind, text, true, false, false));
  }

  /** With all words that follow; options must stand before them. */
  public Syntax takesRest(String parameter, Kind kind, String text, boolean optional) {
    return with(new Parameter(parameter, kind, text, optional, true, true));
  }

  /** With one or more words; options may stand before, between and behind them. */
  public Syntax takesMany(String parameter, Kind kind, String text) {
    return with(new Parameter(parameter, kind, text, false, true, false));
  }

  /** With an option that has a value. */
  public Syntax option(String option, Kind kind, String text) {
    return with(new Option(option, kind, text, false, List.of()));
  }

  /** With an option whose value is one of a few. */
  public Syntax choice(String option, String text, String... choices) {
    return with(new Option(option, Kind.TEXT, text, false, List.of(choices)));
  }

  /** With an option that may be given several times. */
  public Syntax repeated(String option, Kind kind, String text) {
    return with(new Option(option, kind, text, true, List.of()));
  }

  /** With an option without a value. */
  public Syntax flag(String option, String text) {
    return with(new Option(option, Kind.FLAG, text, false, List.of()));
  }

  /** With a line at the end of its help. */
  public Syntax note(String line) {
    List<String> more = new ArrayList<>(notes);
    more.add(line);
    return new Syntax(scope, name, summary, parameters, options, more);
  }

  private Syntax with(Parameter parameter) {
    List<Parameter> more = new ArrayList<>(parameters);
    more.add(parameter);
    return new Syntax(scope, name, summary, more, options, notes);
  }

  private Syntax with(Option option) {
    List<Option> more = new ArrayList<>(options);
    more.add(option);
    return new Syntax(scope, name, summary, parameters, more, notes);
  }

  /** The part before the colon. */
  public String scope() {
    return scope;
  }

  /** The part behind the colon. */
  public String function() {
    return name;
  }

  /** As people type it: {@code vm:run}. */
  public String name() {
    return scope + ":" + name;
  }

  /** One sentence about what it does. */
  public String summary() {
    return summary;
  }

  /** Its words, in order. */
  public List<Parameter> parameters() {
    return parameters;
  }

  /** Its options. */
  public List<Option> options() {
    return options;
  }

  /** The option of that name. */
  public Optional<Option> option(String option) {
    return options.stream().filter(each -> each.name().equals(option)).findFirst();
  }

  /** The word at that place, counted from 0; the rest stands for all that follow. */
  public @Nullable Parameter parameter(int place) {
    if (place < parameters.size()) {
      return parameters.get(place);
    }
    if (!parameters.isEmpty() && parameters.getLast().rest()) {
      return parameters.getLast();
    }
    return null;
  }

  /** One line: how it is called. */
  public String usage() {
    StringBuilder usage = new StringBuilder(name());
    for (Parameter parameter : parameters) {
      String word =
          parameter.name() + (parameter.rest() && parameter.kind() != Kind.BLOCK ? "…" : "");
      usage.append(' ').append(parameter.optional() ? "[" + word + "]" : word);
    }
    for (Option option : options) {
      usage.append(" [").append(option.usage()).append(']');
      if (option.repeated()) {
        usage.append("…");
      }
    }
    return usage.toString();
  }

  /** All there is to say about it. */
  public String help() {
    StringBuilder help = new StringBuilder(usage()).append("\n  ").append(summary);
    int widest = 6;
    for (Parameter parameter : parameters) {
      widest = Math.max(widest, parameter.name().length());
    }
    for (Option option : options) {
      widest = Math.max(widest, option.usage().length());
    }
    String form = "\n    %-" + widest + "s  %s";
    help.append('\n');
    for (Parameter parameter : parameters) {
      help.append(String.format(form, parameter.name(), parameter.text()));
    }
    for (Option option : options) {
      help.append(String.format(form, option.usage(), option.text()));
    }
    help.append(String.format(form, "--help", "this text"));
    for (String note : notes) {
      help.append("\n  ").append(note);
    }
    return help.toString();
  }
}
