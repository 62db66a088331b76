package rivals;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.FragmentAssembler;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.BufferClaim;
import org.agrona.concurrent.ShutdownSignalBarrier;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Aeron IPC: exclusive publications, tryClaim for what fits into a fragment, else offer; up to ten
 * fragments a poll. The media driver is a process of its own with one thread for everything (SHARED)
 * that backs off when idle: what its documentation advises where processors are few.
 */
final class AeronRival implements Ends {
  private static final String CHANNEL = "aeron:ipc";

  private final Aeron aeron;
  private final int bytes;
  private final int firstStream;

  AeronRival(String directory, String scope, int bytes) {
    this.bytes = bytes;
    firstStream = (scope.hashCode() & 0xffffff) << 1;
    aeron =
        Aeron.connect(
            new Aeron.Context()
                .aeronDirectoryName(directory + "/aeron")
                .driverTimeoutMs(30_000)
                .errorHandler(error -> System.err.println(error)));
  }

  static void runDriver(String directory) {
    MediaDriver.Context context =
        new MediaDriver.Context()
            .aeronDirectoryName(directory + "/aeron")
            .threadingMode(ThreadingMode.SHARED)
            .ipcTermBufferLength(4 << 20)
            .dirDeleteOnStart(true)
            .dirDeleteOnShutdown(true);
    ShutdownSignalBarrier barrier = new ShutdownSignalBarrier();
    try (MediaDriver driver = MediaDriver.launch(context)) {
      barrier.await();
    }
  }

  private int stream(String channel) {
    return firstStream + (channel.equals("there") ? 0 : 1);
  }

  @Override
  public Sender sender(String channel) throws InterruptedException {
    ExclusivePublication publication = aeron.addExclusivePublication(CHANNEL, stream(channel));
    while (!publication.isConnected()) {
      Thread.sleep(1);
    }
    if (bytes > publication.maxPayloadLength()) {
      UnsafeBuffer buffer = new UnsafeBuffer(new byte[bytes]);
      return message -> {
        buffer.putBytes(0, message);
        while (publication.offer(buffer) < 0) {
          check(publication);
        }
      };
    }
    BufferClaim claim = new BufferClaim();
    return message -> {
      while (publication.tryClaim(bytes, claim) < 0) {
        check(publication);
      }
      claim.buffer().putBytes(claim.offset(), message);
      claim.commit();
    };
  }

  private static void check(ExclusivePublication publication) {
    if (publication.isClosed()) {
      throw new IllegalStateException("aeron: the publication was closed");
    }
    Thread.onSpinWait();
  }

  @Override
  public Receiver receiver(String channel) throws InterruptedException {
    Subscription subscription = aeron.addSubscription(CHANNEL, stream(channel));
    Batch batch = new Batch(bytes);
    FragmentAssembler assembler =
        new FragmentAssembler(
            (buffer, offset, length, header) -> buffer.getBytes(offset, batch.add(), 0, length));
    while (subscription.hasNoImages()) {
      Thread.sleep(1);
    }
    return out -> {
      if (batch.isEmpty()) {
        batch.clear();
        subscription.poll(assembler, batch.most());
        if (batch.isEmpty()) {
          return false;
        }
      }
      batch.take(out);
      return true;
    };
  }
}
