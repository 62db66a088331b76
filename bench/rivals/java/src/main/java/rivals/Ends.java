package rivals;

/** A rival: channels "there" and "back", unique within the scope. */
interface Ends {
  /** Waits in the rival's own way when there is no room. */
  interface Sender {
    void send(byte[] message);
  }

  /** One look: true if a message came. */
  interface Receiver {
    boolean take(byte[] out);
  }

  Sender sender(String channel) throws Exception;

  Receiver receiver(String channel) throws Exception;
}
