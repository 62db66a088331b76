# The standard headers cost more than the code that includes them, so a build parses them once: for
# libraries, for programs (other code generation, so another file) and for tests (GoogleTest too).
# Not CLI11: its global objects would be compiled into every source.
#
# Every source includes what it uses all the same: presets without this (clang) would not compile
# otherwise. It is off where only a dependency of something else is built.
option(MILLRACE_PRECOMPILE "Parse the standard headers once for each kind of target" OFF)

set(MILLRACE_PRELUDE
    <algorithm> <array> <atomic> <chrono> <cstring> <expected> <filesystem> <functional> <map>
    <memory> <optional> <span> <string> <thread> <vector>
)

# millrace_prelude(<kind> <headers>...): the target whose precompiled headers the others of its kind
# take. It is made by the first of them, after the flags that all of them have.
function(millrace_prelude kind)
  set(source ${PROJECT_BINARY_DIR}/prelude/${kind}.cpp)
  if(kind STREQUAL "library")
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(millrace_prelude_${kind} OBJECT ${source})
  else()
    file(CONFIGURE OUTPUT ${source} CONTENT "int main() {}\n")
    add_executable(millrace_prelude_${kind} ${source})
  endif()
  set_target_properties(millrace_prelude_${kind} PROPERTIES EXCLUDE_FROM_ALL ON)
  millrace_flags(millrace_prelude_${kind})
  target_precompile_headers(millrace_prelude_${kind} PRIVATE ${ARGN})
endfunction()

# millrace_precompile(<target> <kind>): library, program or test.
function(millrace_precompile target kind)
  if(NOT MILLRACE_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET millrace_prelude_${kind})
    if(kind STREQUAL "test")
      millrace_prelude(test ${MILLRACE_PRELUDE} <gtest/gtest.h> <gmock/gmock.h>)
      target_link_libraries(millrace_prelude_test PRIVATE GTest::gmock)
    else()
      millrace_prelude(${kind} ${MILLRACE_PRELUDE})
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM millrace_prelude_${kind})
endfunction()
