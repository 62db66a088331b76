// Named places at which a test may let a process die or stop. In production they are nothing; in
// the twins of the libraries (MILLRACE_CRASH_POINTS, cmake/component.cmake) each one calls a hook.
//
//   MILLRACE_CRASH_POINT("publish.zeroed");
//
// A name says what has just been done. Thread rules: set the hook before the first call.
#pragma once

#if defined(MILLRACE_CRASH_POINTS)

namespace millrace::detail {

// Null: nothing happens.
inline void (*crash_hook)(const char* point) = nullptr;

inline void reach_crash_point(const char* point) {
  if (crash_hook != nullptr) crash_hook(point);
}

}  // namespace millrace::detail

#define MILLRACE_CRASH_POINT(point) ::millrace::detail::reach_crash_point(point)

#else

#define MILLRACE_CRASH_POINT(point) static_cast<void>(0)

#endif
