// Millrace as a rival among the others: channels with the default options, spinning; parked where
// the row is about sleep.
#include "drive.hpp"
#include "millrace/transport/domain.hpp"

namespace millrace::rivals {

namespace {

template <class T>
T must(Result<T>&& result) {
  if (!result) give_up(std::string(result.error().sentence()));
  return std::move(*result);
}

class MillraceSender {
 public:
  MillraceSender(Publisher publisher, std::size_t bytes)
      : publisher_(std::move(publisher)), bytes_(bytes) {}

  void send(const std::byte* message) {
    auto claim = publisher_.claim(bytes_);
    if (!claim) [[unlikely]]
      give_up(std::string(claim.error().sentence()));
    std::memcpy(claim->bytes().data(), message, bytes_);
    std::move(*claim).publish();
  }

 private:
  Publisher publisher_;
  std::size_t bytes_;
};

class MillraceReceiver {
 public:
  MillraceReceiver(Subscriber subscriber, std::size_t bytes)
      : subscriber_(std::move(subscriber)), bytes_(bytes) {}

  bool take(std::byte* out) {
    auto message = subscriber_.try_poll();
    if (!message) [[unlikely]]
      give_up(std::string(message.error().sentence()));
    if (!*message) return false;
    copy_out(out, **message);
    return true;
  }

  void take_asleep(std::byte* out) {
    auto message = subscriber_.poll();
    if (!message) [[unlikely]]
      give_up(std::string(message.error().sentence()));
    copy_out(out, *message);
  }

 private:
  void copy_out(std::byte* out, const Message& message) {
    if (message.bytes().size() != bytes_) [[unlikely]]
      give_up("a message came with a length that nobody sent");
    std::memcpy(out, message.bytes().data(), bytes_);
  }

  Subscriber subscriber_;
  std::size_t bytes_;
};

class MillraceRival {
 public:
  explicit MillraceRival(const Setup& setup)
      : setup_(setup), domain_(must(Domain::open(domain_options(setup)))) {}

  MillraceSender sender(const std::string& name) {
    PublisherOptions options;
    options.wait = setup_.pattern == Pattern::gather ? Wait::automatic : Wait::spin;
    return {must(channel(name).publisher(options)), setup_.bytes};
  }

  MillraceReceiver receiver(const std::string& name) {
    SubscriberOptions options;
    options.wait = Wait::park;  // try_poll, which all other rows use, never waits
    options.from = From::oldest();
    return {must(channel(name).subscriber(options)), setup_.bytes};
  }

 private:
  static DomainOptions domain_options(const Setup& setup) {
    DomainOptions options;
    options.path = setup.directory + "/" + setup.scope;
    return options;
  }

  Channel channel(const std::string& name) { return must(domain_.channel(name, {})); }

  Setup setup_;
  Domain domain_;
};

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  millrace::rivals::drive<millrace::rivals::MillraceRival>(argc, argv);
}
