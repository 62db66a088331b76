package rivals;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** The loops around every rival, as driver/loops.hpp: 17 parts, the first not timed. */
final class Loops {
  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private Loops() {}

  private static void put(byte[] message, long count, long sentAtNs) {
    WORD.set(message, 0, count);
    WORD.set(message, 8, sentAtNs);
  }

  private static long count(byte[] message) {
    return (long) WORD.get(message, 0);
  }

  private static void takeOne(Ends.Receiver receiver, byte[] in) {
    while (!receiver.take(in)) {}
  }

  static void leadRoundTrips(Page page, Ends.Sender sender, Ends.Receiver receiver, int bytes) {
    byte[] out = new byte[bytes];
    byte[] in = new byte[bytes];
    Parts parts = new Parts();
    long each = page.part();
    long count = 0;
    page.meet(true);
    for (int part = 0; part <= Page.PARTS; ++part) {
      long began = System.nanoTime();
      for (long i = 0; i < each; ++i) {
        put(out, ++count, 0);
        sender.send(out);
        takeOne(receiver, in);
        parts.expect(count(in), count);
      }
      if (part != 0) {
        parts.add(began, each);
      }
    }
    parts.write(page);
  }

  static void followRoundTrips(Page page, Ends.Sender sender, Ends.Receiver receiver, int bytes) {
    byte[] buffer = new byte[bytes];
    long all = page.part() * (Page.PARTS + 1);
    page.meet(false);
    for (long i = 0; i < all; ++i) {
      takeOne(receiver, buffer);
      sender.send(buffer);
    }
  }

  static void leadStream(Page page, Ends.Receiver receiver, int bytes) {
    byte[] in = new byte[bytes];
    Parts parts = new Parts();
    long each = page.part();
    long count = 0;
    page.meet(true);
    for (int part = 0; part <= Page.PARTS; ++part) {
      long began = System.nanoTime();
      for (long i = 0; i < each; ++i) {
        takeOne(receiver, in);
        parts.expect(count(in), ++count);
      }
      if (part != 0) {
        parts.add(began, each);
      }
    }
    parts.write(page);
  }

  static void followStream(Page page, Ends.Sender sender, int bytes) {
    byte[] out = new byte[bytes];
    long all = page.part() * (Page.PARTS + 1);
    page.meet(false);
    for (long count = 1; count <= all; ++count) {
      put(out, count, 0);
      sender.send(out);
    }
  }

  static void leadFanOut(Page page, Ends.Receiver[] receivers, int bytes) {
    byte[] in = new byte[bytes];
    Parts parts = new Parts();
    long each = page.part();
    long count = 0;
    page.set(Page.DRAINED, 0);
    page.meet(true);
    for (int part = 0; part <= Page.PARTS; ++part) {
      long began = System.nanoTime();
      for (long burst = 0; burst < each; ++burst, count += Page.BURST) {
        for (Ends.Receiver receiver : receivers) {
          for (int i = 1; i <= Page.BURST; ++i) {
            takeOne(receiver, in);
            parts.expect(count(in), count + i);
          }
        }
        page.set(Page.DRAINED, count + Page.BURST);
      }
      if (part != 0) {
        parts.add(began, each * Page.BURST);
      }
    }
    parts.write(page);
  }

  static void followFanOut(Page page, Ends.Sender sender, int bytes) {
    byte[] out = new byte[bytes];
    double[] took = new double[Math.toIntExact(page.part() * (Page.PARTS + 1))];
    long count = 0;
    page.meet(false);
    for (int burst = 0; burst < took.length; ++burst) {
      long began = System.nanoTime();
      for (int i = 0; i < Page.BURST; ++i) {
        put(out, ++count, 0);
        sender.send(out);
      }
      took[burst] = (System.nanoTime() - began) / (double) Page.BURST;
      while (page.get(Page.DRAINED) != count) {
        Thread.yield();
      }
    }
    Arrays.sort(took);
    page.writePublishNs(took[took.length / 2]);
  }

  /** Kill: floods until the conductor ends the process. */
  static void publishUntilKilled(Page page, Ends.Sender sender, int bytes) {
    byte[] out = new byte[bytes];
    for (long count = 1; !page.stop(); ++count) {
      put(out, count, System.nanoTime());
      sender.send(out);
    }
  }

  /** Kill: consumes, and says how long it went without a message, unless it is the victim. */
  static void consume(Page page, Ends.Receiver receiver, int bytes, boolean victim) {
    byte[] in = new byte[bytes];
    long lastNs = 0;
    while (!page.stop()) {
      if (!receiver.take(in)) {
        Thread.yield();
        continue;
      }
      if (victim) {
        continue;
      }
      page.set(Page.RECEIVED, page.get(Page.RECEIVED) + 1);
      long killed = page.get(Page.KILLED_AT_NS);
      if (killed != 0 && (long) WORD.get(in, 8) <= killed) {
        continue; // proves nothing about the survivors
      }
      long now = System.nanoTime();
      long since = Math.max(lastNs, killed);
      int longest = killed == 0 ? Page.QUIET_GAP_NS : Page.GAP_NS;
      if (since != 0 && now - since > page.get(longest)) {
        page.set(longest, now - since);
      }
      lastNs = now;
      page.set(Page.LAST_NS, now);
    }
  }
}
