package rivals;

/**
 * What one poll brought. Aeron and the Disruptor are made to be polled for several messages at a
 * time; the loops take them one by one.
 */
final class Batch {
  private final byte[][] slots;
  private int filled;
  private int taken;

  Batch(int bytes) {
    slots = new byte[bytes > 1024 ? 1 : 10][bytes];
  }

  int most() {
    return slots.length;
  }

  boolean isEmpty() {
    return taken == filled;
  }

  boolean isFull() {
    return filled == slots.length;
  }

  /** Forgets what was taken. */
  void clear() {
    filled = 0;
    taken = 0;
  }

  /** The slot to fill. */
  byte[] add() {
    return slots[filled++];
  }

  void take(byte[] out) {
    System.arraycopy(slots[taken++], 0, out, 0, out.length);
  }
}
