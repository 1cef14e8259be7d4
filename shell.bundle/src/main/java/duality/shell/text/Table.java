package duality.shell.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows under titles, drawn in columns; numbers stand right, texts stand left and give way. */
public final class Table {
  private static final String GAP = "  ";
  private static final int LEAST_WIDTH = 6;

  private final List<Column> columns;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * A column.
   *
   * @param title what stands above it
   * @param right whether values stand at its right end
   */
  public record Column(String title, boolean right) {}

  /** An empty table. */
  public Table(List<Column> columns) {
    this.columns = List.copyOf(columns);
  }

  /**
   * Adds a row of as many cells as there are columns. Line ends and control characters are drawn as
   * blanks.
   */
  public Table row(List<String> cells) {
    if (cells.size() != columns.size()) {
      throw new IllegalArgumentException(
          cells.size() + " cells for " + columns.size() + " columns");
    }
    rows.add(cells.stream().map(Table::plain).toList());
    return this;
  }

  /** How many rows there are. */
  public int rows() {
    return rows.size();
  }

  /**
   * Draws it, each line without blanks at its end and without a line end behind the last.
   *
   * @param width columns of the screen; when a line would be longer the widest text columns give
   *     way, down to a few characters each
   */
  public String draw(int width) {
    int[] widths = new int[columns.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = columns.get(i).title().length();
      for (List<String> row : rows) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    shrink(widths, width);
    StringBuilder drawn = new StringBuilder();
    line(drawn, columns.stream().map(Column::title).toList(), widths);
    for (List<String> row : rows) {
      drawn.append('\n');
      line(drawn, row, widths);
    }
    return drawn.toString();
  }

  private void shrink(int[] widths, int width) {
    while (Arrays.stream(widths).sum() + GAP.length() * (widths.length - 1) > width) {
      int widest = -1;
      for (int i = 0; i < widths.length; i++) {
        boolean gives = !columns.get(i).right() && widths[i] > LEAST_WIDTH;
        if (gives && (widest < 0 || widths[i] >= widths[widest])) {
          widest = i;
        }
      }
      if (widest < 0) {
        return;
      }
      widths[widest]--;
    }
  }

  private void line(StringBuilder drawn, List<String> cells, int[] widths) {
    int from = drawn.length();
    for (int i = 0; i < widths.length; i++) {
      if (i > 0) {
        drawn.append(GAP);
      }
      String cell = cells.get(i);
      if (cell.length() > widths[i]) {
        cell = cell.substring(0, widths[i] - 1) + "…";
      }
      String blanks = " ".repeat(widths[i] - cell.length());
      drawn.append(columns.get(i).right() ? blanks + cell : cell + blanks);
    }
    int end = drawn.length();
    while (end > from && drawn.charAt(end - 1) == ' ') {
      end--;
    }
    drawn.setLength(end);
  }

  private static String plain(String cell) {
    StringBuilder plain = new StringBuilder(cell.length());
    cell.chars().forEach(c -> plain.append(Character.isISOControl(c) ? ' ' : (char) c));
    return plain.toString();
  }
}
