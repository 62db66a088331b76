// Boost.Interprocess message_queue: a ring of messages in shared memory under a mutex and two
// condition variables, spinning first. Between two processes the try_ forms are polled.
#include "drive.hpp"

#include <boost/interprocess/ipc/message_queue.hpp>

namespace millrace::rivals {

namespace {

namespace ipc = boost::interprocess;

class BoostEnd {
 public:
  BoostEnd(const std::string& name, std::size_t bytes)
      : queue_(std::make_unique<ipc::message_queue>(ipc::open_or_create, name.c_str(), kMessages,
                                                    bytes)),
        bytes_(bytes) {}

  void send(const std::byte* message) {
    while (!queue_->try_send(message, bytes_, 0)) {
    }
  }

  bool take(std::byte* out) {
    ipc::message_queue::size_type got = 0;
    unsigned priority = 0;
    return queue_->try_receive(out, bytes_, got, priority);
  }

  void take_asleep(std::byte* out) {
    ipc::message_queue::size_type got = 0;
    unsigned priority = 0;
    queue_->receive(out, bytes_, got, priority);
  }

 private:
  static constexpr std::size_t kMessages = 128;

  std::unique_ptr<ipc::message_queue> queue_;
  std::size_t bytes_;
};

struct BoostRival {
  explicit BoostRival(const Setup& given) : setup(given) {}

  BoostEnd sender(const std::string& name) { return {setup.scope + "-" + name, setup.bytes}; }

  BoostEnd receiver(const std::string& name) { return sender(name); }

  Setup setup;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::BoostRival>(argc, argv);
}
