// What the kernel offers: a pipe, a Unix socket, a POSIX message queue. One call a message. While
// both sides run they are polled without sleeping, which is their fastest way here; the row about
// sleep lets the call block.
#include "drive.hpp"

#include <cerrno>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace millrace::rivals {

namespace {

class PipeEnd {
 public:
  PipeEnd(const std::string& path, std::size_t bytes) : bytes_(bytes) {
    if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) give_up_os("cannot make " + path);
    // Read and write: neither side then waits for the other to open, or sees its end.
    sleeping_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
    spinning_ = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (sleeping_ < 0 || spinning_ < 0) give_up_os("cannot open " + path);
    if (fcntl(sleeping_, F_SETPIPE_SZ, 1 << 20) < 0) give_up_os("cannot enlarge " + path);
  }

  void send(const std::byte* message) {
    for (std::size_t done = 0; done != bytes_;) {
      const ssize_t wrote = write(spinning_, message + done, bytes_ - done);
      if (wrote > 0) done += static_cast<std::size_t>(wrote);
      if (wrote < 0 && errno != EAGAIN) give_up_os("write to a pipe");
    }
  }

  bool take(std::byte* out) {
    const ssize_t got = read(spinning_, out, bytes_);
    if (got < 0 && errno == EAGAIN) return false;
    finish(out, got);
    return true;
  }

  void take_asleep(std::byte* out) { finish(out, read(sleeping_, out, bytes_)); }

 private:
  // Long messages come in pieces.
  void finish(std::byte* out, ssize_t got) {
    if (got < 0) give_up_os("read from a pipe");
    for (auto done = static_cast<std::size_t>(got); done != bytes_;) {
      got = read(sleeping_, out + done, bytes_ - done);
      if (got < 0) give_up_os("read from a pipe");
      done += static_cast<std::size_t>(got);
    }
  }

  int sleeping_ = -1;
  int spinning_ = -1;
  std::size_t bytes_;
};

struct PipeRival {
  explicit PipeRival(const Setup& given) : setup(given) {}

  PipeEnd sender(const std::string& name) { return {path(name), setup.bytes}; }

  PipeEnd receiver(const std::string& name) { return {path(name), setup.bytes}; }

  [[nodiscard]] std::string path(const std::string& name) const {
    return setup.directory + "/" + setup.scope + "-" + name;
  }

  Setup setup;
};

class SocketEnd {
 public:
  SocketEnd(int fd, std::size_t bytes) : fd_(fd), bytes_(bytes) {}

  void send(const std::byte* message) {
    while (::send(fd_, message, bytes_, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (errno != EAGAIN) give_up_os("send to a socket");
    }
  }

  bool take(std::byte* out) {
    const ssize_t got = recv(fd_, out, bytes_, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    check(got);
    return true;
  }

  void take_asleep(std::byte* out) { check(recv(fd_, out, bytes_, 0)); }

 private:
  void check(ssize_t got) const {
    if (got != static_cast<ssize_t>(bytes_)) give_up_os("receive from a socket");
  }

  int fd_;
  std::size_t bytes_;
};

// SOCK_SEQPACKET keeps messages whole. The receiver of each direction listens.
class SocketRival {
 public:
  explicit SocketRival(const Setup& setup) : setup_(setup) {}

  SocketEnd sender(const std::string& name) {
    const int fd = make();
    const sockaddr_un address = address_of(name);
    while (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno != ENOENT && errno != ECONNREFUSED) give_up_os("connect to a socket");
      usleep(1000);
    }
    return {fd, setup_.bytes};
  }

  SocketEnd receiver(const std::string& name) {
    const int listening = make();
    const sockaddr_un address = address_of(name);
    if (bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listening, 1) != 0) {
      give_up_os("bind a socket");
    }
    const int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) give_up_os("accept on a socket");
    close(listening);
    return {fd, setup_.bytes};
  }

 private:
  static int make() {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) give_up_os("make a socket");
    return fd;
  }

  [[nodiscard]] sockaddr_un address_of(const std::string& name) const {
    const std::string path = setup_.directory + "/" + setup_.scope + "-" + name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) give_up(path + " is too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
  }

  Setup setup_;
};

class QueueEnd {
 public:
  QueueEnd(const std::string& name, std::size_t bytes) : bytes_(bytes) {
    mq_attr attributes{};
    attributes.mq_maxmsg = 10;  // the kernel's default, and its limit for who is not root
    attributes.mq_msgsize = static_cast<long>(bytes);
    queue_ = mq_open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600, &attributes);
    if (queue_ < 0) give_up_os("cannot open the queue " + name);
  }

  void send(const std::byte* message) {
    const timespec past{0, 0};
    while (mq_timedsend(queue_, reinterpret_cast<const char*>(message), bytes_, 0, &past) != 0) {
      if (errno != ETIMEDOUT) give_up_os("send to a queue");
    }
  }

  bool take(std::byte* out) {
    const timespec past{0, 0};
    const ssize_t got =
        mq_timedreceive(queue_, reinterpret_cast<char*>(out), bytes_, nullptr, &past);
    if (got < 0 && errno == ETIMEDOUT) return false;
    if (got < 0) give_up_os("receive from a queue");
    return true;
  }

  void take_asleep(std::byte* out) {
    if (mq_receive(queue_, reinterpret_cast<char*>(out), bytes_, nullptr) < 0) {
      give_up_os("receive from a queue");
    }
  }

 private:
  mqd_t queue_ = -1;
  std::size_t bytes_;
};

struct QueueRival {
  explicit QueueRival(const Setup& given) : setup(given) {}

  QueueEnd sender(const std::string& name) { return {path(name), setup.bytes}; }

  QueueEnd receiver(const std::string& name) { return {path(name), setup.bytes}; }

  [[nodiscard]] std::string path(const std::string& name) const {
    return "/" + setup.scope + "-" + name;
  }

  Setup setup;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  using namespace millrace::rivals;
  const std::string rival = argc > 1 ? argv[1] : "";
  if (rival == "pipe") drive<PipeRival>(argc, argv);
  if (rival == "unix-socket") drive<SocketRival>(argc, argv);
  if (rival == "posix-mq") drive<QueueRival>(argc, argv);
  give_up("this driver speaks for pipe, unix-socket and posix-mq");
}
