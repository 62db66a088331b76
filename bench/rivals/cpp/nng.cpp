// nng over ipc, with messages that the library owns, which spares it a copy; blocking calls. PAIR
// between two, PUSH and PULL for many senders, PUB and SUB for fan-out (its queues, 128 messages,
// hold a burst; beyond them it drops, as its documentation says).
#include "drive.hpp"

#include <atomic>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <unistd.h>

namespace millrace::rivals {

namespace {

constexpr int kQueue = 128;

void must(int result, const char* what) {
  if (result != 0) give_up(std::string("nng: ") + what + ": " + nng_strerror(result));
}

class NngEnd {
 public:
  NngEnd(nng_socket socket, std::size_t bytes) : socket_(socket), bytes_(bytes) {}

  void send(const std::byte* message) {
    nng_msg* owned = nullptr;
    must(nng_msg_alloc(&owned, bytes_), "make a message");
    std::memcpy(nng_msg_body(owned), message, bytes_);
    must(nng_sendmsg(socket_, owned, 0), "send");
  }

  bool take(std::byte* out) {
    nng_msg* owned = nullptr;
    must(nng_recvmsg(socket_, &owned, 0), "receive");
    if (nng_msg_len(owned) != bytes_) give_up("nng: a message of another length");
    std::memcpy(out, nng_msg_body(owned), bytes_);
    nng_msg_free(owned);
    return true;
  }

  void take_asleep(std::byte* out) { (void)take(out); }

 private:
  nng_socket socket_;
  std::size_t bytes_;
};

class NngRival {
 public:
  explicit NngRival(const Setup& setup) : setup_(setup) {}

  NngEnd sender(const std::string& name) {
    nng_socket socket{};
    const bool broadcast = setup_.pattern == Pattern::broadcast;
    if (broadcast) {
      must(nng_pub0_open(&socket), "open");
    } else if (setup_.pattern == Pattern::gather) {
      must(nng_push0_open(&socket), "open");
    } else {
      must(nng_pair0_open(&socket), "open");
    }
    must(nng_socket_set_int(socket, NNG_OPT_SENDBUF, kQueue), "set the queue");
    std::atomic<std::size_t> joined = 0;
    must(nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, &count_one, &joined), "watch");
    join(socket, name, broadcast);
    while (joined.load(std::memory_order_relaxed) < (broadcast ? setup_.receivers : 1))
      usleep(1000);
    must(nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, nullptr, nullptr), "watch no more");
    return {socket, setup_.bytes};
  }

  NngEnd receiver(const std::string& name) {
    nng_socket socket{};
    const bool broadcast = setup_.pattern == Pattern::broadcast;
    if (broadcast) {
      must(nng_sub0_open(&socket), "open");
      must(nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribe");
    } else if (setup_.pattern == Pattern::gather) {
      must(nng_pull0_open(&socket), "open");
    } else {
      must(nng_pair0_open(&socket), "open");
    }
    must(nng_socket_set_int(socket, NNG_OPT_RECVBUF, kQueue), "set the queue");
    join(socket, name, !broadcast);
    return {socket, setup_.bytes};
  }

 private:
  static void count_one(nng_pipe, nng_pipe_ev, void* joined) {
    static_cast<std::atomic<std::size_t>*>(joined)->fetch_add(1, std::memory_order_relaxed);
  }

  void join(nng_socket socket, const std::string& name, bool listens) {
    const std::string url = "ipc://" + setup_.directory + "/" + setup_.scope + "-" + name;
    if (listens) return must(nng_listen(socket, url.c_str(), nullptr, 0), "listen");
    must(nng_dial(socket, url.c_str(), nullptr, NNG_FLAG_NONBLOCK), "dial");  // tries until it can
  }

  Setup setup_;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::NngRival>(argc, argv);
}
