package rivals;

import java.io.IOException;
import java.util.concurrent.Semaphore;

/**
 * A driver in Java, started by the conductor: RIVAL PAGE ROLE PATTERN BYTES RECEIVERS SCOPE
 * DIRECTORY; or Aeron's media driver: aeron-driver DIRECTORY.
 */
public final class Main {
  private final Page page;
  private final Ends ends;
  private final boolean pair;
  private final int bytes;
  private final Ends.Receiver[] receivers;

  private Main(Page page, Ends ends, boolean pair, int bytes, int receivers) {
    this.page = page;
    this.ends = ends;
    this.pair = pair;
    this.bytes = bytes;
    this.receivers = new Ends.Receiver[receivers];
  }

  public static void main(String[] words) throws Exception {
    if (words.length == 2 && words[0].equals("aeron-driver")) {
      AeronRival.runDriver(words[1]);
      return;
    }
    if (words.length != 8) {
      System.err.println(
          "usage: rival-java RIVAL PAGE ROLE PATTERN BYTES RECEIVERS SCOPE DIRECTORY");
      System.exit(2);
    }
    try {
      Page page = new Page(words[1]);
      if (words[0].equals("bare-java")) {
        Bare.run(page, words[2].equals("leader"));
      }
      int bytes = Integer.parseInt(words[4]);
      Ends ends = ends(words[0], bytes, words[6], words[7]);
      int receivers = Integer.parseInt(words[5]);
      new Main(page, ends, words[3].equals("pair"), bytes, receivers).run(words[2]);
    } catch (Throwable error) {
      System.err.println(error);
      Runtime.getRuntime().halt(2);
    }
  }

  private static Ends ends(String rival, int bytes, String scope, String directory) {
    return switch (rival) {
      case "aeron" -> new AeronRival(directory, scope, bytes);
      case "chronicle" -> new ChronicleRival(directory, scope, bytes);
      case "disruptor" -> new DisruptorRival(bytes);
      default -> throw new IllegalArgumentException("this driver does not speak for " + rival);
    };
  }

  private void run(String role) throws Exception {
    switch (role) {
      case "leader" -> runLeader();
      case "follower" -> runFollower();
      case "both" -> runBoth();
      case "publisher" -> {
        Ends.Sender sender = ends.sender("back");
        page.answer();
        page.waitForBaton();
        Loops.publishUntilKilled(page, sender, bytes);
      }
      case "consumer", "victim" -> {
        Ends.Receiver receiver = ends.receiver("back");
        page.answer();
        page.waitForBaton();
        Loops.consume(page, receiver, bytes, role.equals("victim"));
      }
      default -> throw new IllegalArgumentException("no such role: " + role);
    }
    Runtime.getRuntime().halt(0);
  }

  private Ends.Sender makeLeader() throws Exception {
    page.nameThread(true);
    Ends.Sender sender = pair ? ends.sender("there") : null;
    for (int i = 0; i < receivers.length; ++i) {
      receivers[i] = ends.receiver("back");
    }
    return sender;
  }

  private void lead(Ends.Sender sender) {
    switch (page.kind()) {
      case Page.ROUND_TRIP -> Loops.leadRoundTrips(page, sender, receivers[0], bytes);
      case Page.STREAM -> Loops.leadStream(page, receivers[0], bytes);
      case Page.FAN_OUT -> Loops.leadFanOut(page, receivers, bytes);
      default -> throw new IllegalStateException("this leader does not know the order");
    }
  }

  private void follow(Ends.Sender sender, Ends.Receiver receiver) {
    switch (page.kind()) {
      case Page.ROUND_TRIP -> Loops.followRoundTrips(page, sender, receiver, bytes);
      case Page.STREAM -> Loops.followStream(page, sender, bytes);
      case Page.FAN_OUT -> Loops.followFanOut(page, sender, bytes);
      default -> throw new IllegalStateException("this follower does not know the order");
    }
  }

  private void runLeader() throws Exception {
    Ends.Sender sender = makeLeader();
    for (page.answer(); ; page.answer()) {
      page.waitForBaton();
      lead(sender);
    }
  }

  private void runFollower() throws Exception {
    page.nameThread(false);
    Ends.Receiver receiver = pair ? ends.receiver("there") : null;
    Ends.Sender sender = ends.sender("back");
    for (page.answer(); ; page.answer()) {
      page.waitForBaton();
      follow(sender, receiver);
    }
  }

  /** A rival within one process: the follower is a second thread. */
  private void runBoth() throws Exception {
    Ends.Sender sender = makeLeader();
    Semaphore begin = new Semaphore(0);
    Semaphore done = new Semaphore(0);
    Thread second = new Thread(() -> followWhenTold(begin, done));
    second.setDaemon(true);
    second.start();
    done.acquire();
    for (page.answer(); ; page.answer()) {
      page.waitForBaton();
      begin.release();
      lead(sender);
      done.acquire();
    }
  }

  private void followWhenTold(Semaphore begin, Semaphore done) {
    try {
      page.nameThread(false);
      Ends.Receiver receiver = pair ? ends.receiver("there") : null;
      Ends.Sender sender = ends.sender("back");
      for (done.release(); ; done.release()) {
        begin.acquire();
        follow(sender, receiver);
      }
    } catch (Throwable error) {
      System.err.println(error);
      Runtime.getRuntime().halt(2);
    }
  }
}
