package duality.shell.command;

/**
 * A command.
 *
 * @param syntax how it is called
 * @param action what it does
 */
public record Command(Syntax syntax, Action action) {}
