package rivals;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The page that the conductor shares with every driver: driver/rival_page_layout.hpp has the table.
 * The baton is a byte on standard input, the answer one on descriptor 3: so a driver in Java sleeps
 * like any other, without native code.
 */
final class Page {
  static final int PARTS = 16;
  static final int BURST = 64;
  static final int ROUND_TRIP = 1;
  static final int STREAM = 2;
  static final int FAN_OUT = 3;

  private static final int BYTES = 4096;
  private static final long MAGIC = 0x31304c4156495221L;
  private static final int KIND = 64;
  private static final int PART = 72;
  private static final int NUMBER = 80;
  private static final int LEADER_GATE = 128;
  private static final int FOLLOWER_GATE = 256;
  private static final int LEADER_TID = 384;
  private static final int FOLLOWER_TID = 388;
  private static final int WRONG = 512;
  private static final int MEAN_NS = 520;
  private static final int PART_NS = 528;
  private static final int PUBLISH_NS = 656;
  static final int THERE = 1024;
  static final int BACK = 1280;
  static final int DRAINED = 1536;
  private static final int STOP = 2048;
  static final int KILLED_AT_NS = 2056;
  static final int RECEIVED = 2304;
  static final int LAST_NS = 2312;
  static final int GAP_NS = 2320;
  static final int QUIET_GAP_NS = 2328;

  private final ByteBuffer bytes;
  private final UnsafeBuffer words; // a view of a ByteBuffer checks too much for a bare word
  private final OutputStream answers;

  Page(String path) throws IOException {
    try (FileChannel file =
        FileChannel.open(Path.of(path), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      bytes = file.map(FileChannel.MapMode.READ_WRITE, 0, BYTES).order(ByteOrder.nativeOrder());
    }
    words = new UnsafeBuffer(bytes);
    if (bytes.getLong(0) != MAGIC) {
      throw new IOException(path + " is no page of a conductor");
    }
    answers = new FileOutputStream("/dev/fd/3");
  }

  int kind() {
    return bytes.getInt(KIND);
  }

  long part() {
    return bytes.getLong(PART);
  }

  boolean stop() {
    return bytes.getLong(STOP) != 0;
  }

  long get(int offset) {
    return words.getLongVolatile(offset); // on x86 and in C2 a plain load that is not moved
  }

  void set(int offset, long value) {
    words.putLongOrdered(offset, value);
  }

  void writePublishNs(double ns) {
    bytes.putDouble(PUBLISH_NS, ns);
  }

  void writeParts(double[] partNs, double meanNs, long wrong) {
    bytes.putLong(WRONG, wrong);
    bytes.putDouble(MEAN_NS, meanNs);
    for (int part = 0; part < PARTS; ++part) {
      bytes.putDouble(PART_NS + 8 * part, partNs[part]);
    }
  }

  /** The calling thread is the one to pin: the conductor does it. */
  void nameThread(boolean leads) throws IOException {
    String[] parts = Files.readSymbolicLink(Path.of("/proc/thread-self")).toString().split("/");
    bytes.putInt(leads ? LEADER_TID : FOLLOWER_TID, Integer.parseInt(parts[parts.length - 1]));
  }

  /** Both sides of a slice begin together. */
  void meet(boolean leads) {
    long number = bytes.getLong(NUMBER);
    int own = leads ? LEADER_GATE : FOLLOWER_GATE;
    int other = leads ? FOLLOWER_GATE : LEADER_GATE;
    set(own, number);
    while (get(other) != number) {}
  }

  /** The idle pair sleeps here. Leaves when the conductor has gone. */
  void waitForBaton() throws IOException {
    if (System.in.read() < 0) {
      Runtime.getRuntime().halt(0);
    }
  }

  void answer() throws IOException {
    answers.write('.');
  }
}
