package rivals;

/** The timed parts of a slice, written into the page at the end. */
final class Parts {
  private final double[] partNs = new double[Page.PARTS];
  private int filled;
  private double allNs;
  private double all;
  private long wrong;

  /** One part of so many messages, which took from {@code beganNs} until now. */
  void add(long beganNs, long messages) {
    double took = System.nanoTime() - beganNs;
    if (filled < Page.PARTS) {
      partNs[filled++] = took / messages;
    }
    allNs += took;
    all += messages;
  }

  void expect(long got, long expected) {
    if (got != expected) {
      ++wrong;
    }
  }

  void write(Page page) {
    page.writeParts(partNs, allNs / all, wrong);
  }
}
