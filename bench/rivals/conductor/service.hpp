// A process that a rival cannot do without: iceoryx's RouDi, Aeron's media driver.
#pragma once

#include "child.hpp"
#include "ground.hpp"

#include <optional>

namespace millrace::rivals {

// None for a rival that needs none. The drivers wait for it themselves.
[[nodiscard]] Result<std::optional<Child>> start_service(const Ground& ground,
                                                         const RivalInfo& rival);

}  // namespace millrace::rivals
