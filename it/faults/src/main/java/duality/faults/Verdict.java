package duality.faults;

/**
 * What became of one injection.
 *
 * @param component the kind of component
 * @param fault the kind of fault
 * @param text where and what
 * @param refused the mutant did not come into service: its bundle or its swap was refused
 * @param manifested what the client saw differed
 * @param failStop the system noticed by itself that a server failed
 * @param contained no other client and not the core was affected
 * @param recoveredMillis until the client was served again without a person; -1 when it was not
 *     within 5 s
 * @param dataCorrect every acknowledged byte was on the disk
 * @param silent the client got wrong answers or data, and the system did not notice
 * @param symptom what was seen first
 */
record Verdict(
    Component component,
    FaultKind fault,
    String text,
    boolean refused,
    boolean manifested,
    boolean failStop,
    boolean contained,
    long recoveredMillis,
    boolean dataCorrect,
    boolean silent,
    String symptom) {

  String json() {
    return "{\"component\":\"%s\",\"fault\":\"%s\",\"what\":\"%s\",\"refused\":%b,\"manifested\":%b,\"failStop\":%b,\"contained\":%b,\"recoveredMillis\":%d,\"dataCorrect\":%b,\"silent\":%b,\"symptom\":\"%s\"}"
        .formatted(
            component.label(),
            fault.label(),
            escape(text),
            refused,
            manifested,
            failStop,
            contained,
            recoveredMillis,
            dataCorrect,
            silent,
            escape(symptom));
  }

  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        escaped.append('\\').append(c);
      } else if (c < ' ') {
        escaped.append("\\u%04x".formatted((int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }
}
