package rivals;

import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;
import net.openhft.chronicle.wire.DocumentContext;

/**
 * Chronicle Queue: appender and tailer in binary form, bytes written straight into the document.
 * Its files lie in memory and are never taken away while it runs, as it is meant to keep them.
 */
final class ChronicleRival implements Ends {
  private static final int BYTES_MAX = 1024;

  private final String path;
  private final int bytes;

  ChronicleRival(String directory, String scope, int bytes) {
    if (bytes > BYTES_MAX) {
      throw new IllegalStateException(
          "chronicle keeps all it was given: a stream of " + bytes + " B would fill the memory");
    }
    path = directory + "/" + scope + "/";
    this.bytes = bytes;
  }

  private ChronicleQueue open(String channel) {
    return SingleChronicleQueueBuilder.binary(path + channel).build();
  }

  @Override
  public Sender sender(String channel) {
    ExcerptAppender appender = open(channel).createAppender();
    return message -> {
      try (DocumentContext document = appender.writingDocument()) {
        document.wire().bytes().write(message, 0, bytes);
      }
    };
  }

  @Override
  public Receiver receiver(String channel) {
    ExcerptTailer tailer = open(channel).createTailer();
    return out -> {
      try (DocumentContext document = tailer.readingDocument()) {
        if (!document.isPresent()) {
          return false;
        }
        document.wire().bytes().read(out, 0, bytes);
        return true;
      }
    };
  }
}
