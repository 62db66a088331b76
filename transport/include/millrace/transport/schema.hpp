// What a typed channel carries, as a number: two programs that disagree about a type's name, size
// or alignment do not get to exchange it.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace millrace {

struct Schema {
  std::uint64_t fingerprint = 0;  // 0: bytes, no type
  std::string_view name;          // for people
};

// Messages of a typed channel are copied as bytes, so they must mean the same in every process.
template <class T>
concept Sendable =
    std::is_trivially_copyable_v<T> && std::is_object_v<T> && !std::is_pointer_v<T> &&
    alignof(T) <= 8;

namespace detail {

// The name of T as the compiler spells it, cut out of this function's own name. g++ and clang agree
// for named types.
template <class T>
constexpr std::string_view spelled() noexcept {
  const std::string_view all = __PRETTY_FUNCTION__;
  const std::string_view before = "T = ";
  const auto begin = all.find(before) + before.size();
  return all.substr(begin, all.find_first_of(";]", begin) - begin);
}

constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) noexcept {
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace detail

// Specialise it to name a type yourself: raise a version there when the meaning of a field changes
// without changing the size.
//   template <> inline constexpr std::string_view kSchemaName<Quote> = "quote/2";
template <class T>
inline constexpr std::string_view kSchemaName = detail::spelled<T>();

template <Sendable T>
[[nodiscard]] constexpr Schema schema_of() noexcept {
  constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
  const std::uint64_t named = detail::fnv1a(kSchemaName<T>, kBasis);
  return {(named ^ sizeof(T) * 0x9e3779b97f4a7c15 ^ alignof(T)) | 1, kSchemaName<T>};
}

}  // namespace millrace
