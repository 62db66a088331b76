package rivals;

import com.lmax.disruptor.EventPoller;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.YieldingWaitStrategy;

/**
 * LMAX Disruptor between two threads: a single producer, events made in advance, pollers that take
 * up to ten events before they move their sequence.
 */
final class DisruptorRival implements Ends {
  private final int bytes;
  private final RingBuffer<byte[]> there;
  private final RingBuffer<byte[]> back;

  DisruptorRival(int bytes) {
    this.bytes = bytes;
    int slots = Math.max(16, (256 << 10) / bytes);
    there = make(slots);
    back = make(slots);
  }

  private RingBuffer<byte[]> make(int slots) {
    return RingBuffer.createSingleProducer(
        () -> new byte[bytes], slots, new YieldingWaitStrategy());
  }

  private RingBuffer<byte[]> ring(String channel) {
    return channel.equals("there") ? there : back;
  }

  @Override
  public Sender sender(String channel) {
    RingBuffer<byte[]> ring = ring(channel);
    return message -> {
      long sequence = ring.next();
      System.arraycopy(message, 0, ring.get(sequence), 0, bytes);
      ring.publish(sequence);
    };
  }

  @Override
  public Receiver receiver(String channel) {
    RingBuffer<byte[]> ring = ring(channel);
    EventPoller<byte[]> poller = ring.newPoller();
    ring.addGatingSequences(poller.getSequence());
    Batch batch = new Batch(bytes);
    EventPoller.Handler<byte[]> handler =
        (event, sequence, endOfBatch) -> {
          System.arraycopy(event, 0, batch.add(), 0, bytes);
          return !batch.isFull();
        };
    return out -> {
      if (batch.isEmpty()) {
        batch.clear();
        poll(poller, handler);
        if (batch.isEmpty()) {
          return false;
        }
      }
      batch.take(out);
      return true;
    };
  }

  private static void poll(EventPoller<byte[]> poller, EventPoller.Handler<byte[]> handler) {
    try {
      poller.poll(handler);
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }
}
