// ZeroMQ as its performance tools use it: PUSH and PULL, blocking calls, the I/O thread between
// them. Fan-out is XPUB, which says who has subscribed, and with NODROP loses nothing.
#include "drive.hpp"

#include <cerrno>
#include <zmq.h>

namespace millrace::rivals {

namespace {

void must(int result, const char* what) {
  if (result < 0) give_up(std::string("zeromq: ") + what + ": " + zmq_strerror(zmq_errno()));
}

class ZeromqEnd {
 public:
  ZeromqEnd(void* socket, std::size_t bytes) : socket_(socket), bytes_(bytes) {}

  void send(const std::byte* message) { must(zmq_send(socket_, message, bytes_, 0), "send"); }

  bool take(std::byte* out) {
    const int got = zmq_recv(socket_, out, bytes_, 0);
    if (got < 0 && zmq_errno() == EINTR) return false;
    must(got, "receive");
    if (static_cast<std::size_t>(got) != bytes_) give_up("zeromq: a message of another length");
    return true;
  }

  void take_asleep(std::byte* out) {
    while (!take(out)) {
    }
  }

 private:
  void* socket_;
  std::size_t bytes_;
};

class ZeromqRival {
 public:
  explicit ZeromqRival(const Setup& setup) : setup_(setup), context_(zmq_ctx_new()) {}

  ZeromqEnd sender(const std::string& name) {
    if (setup_.pattern != Pattern::broadcast) return connected(ZMQ_PUSH, name);
    void* const socket = make(ZMQ_XPUB);
    const int yes = 1;
    must(zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &yes, sizeof yes), "set NODROP");
    must(zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &yes, sizeof yes), "hear of every subscriber");
    must(zmq_bind(socket, endpoint(name).c_str()), "bind");
    for (std::size_t i = 0; i < setup_.receivers; ++i) {
      char subscription[8];
      must(zmq_recv(socket, subscription, sizeof subscription, 0), "wait for a subscriber");
    }
    return {socket, setup_.bytes};
  }

  ZeromqEnd receiver(const std::string& name) {
    if (setup_.pattern == Pattern::broadcast) return connected(ZMQ_SUB, name);
    void* const socket = make(ZMQ_PULL);
    must(zmq_bind(socket, endpoint(name).c_str()), "bind");
    return {socket, setup_.bytes};
  }

 private:
  void* make(int type) {
    void* const socket = zmq_socket(context_, type);
    if (socket == nullptr) must(-1, "make a socket");
    return socket;
  }

  ZeromqEnd connected(int type, const std::string& name) {
    void* const socket = make(type);
    must(zmq_connect(socket, endpoint(name).c_str()), "connect");
    if (type == ZMQ_SUB) must(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0), "subscribe");
    return {socket, setup_.bytes};
  }

  [[nodiscard]] std::string endpoint(const std::string& name) const {
    if (setup_.role == Role::both) return "inproc://" + name;
    return "ipc://" + setup_.directory + "/" + setup_.scope + "-" + name;
  }

  Setup setup_;
  void* context_;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::ZeromqRival>(argc, argv);
}
