# What every target of the project is compiled with. Nothing here reaches a user of the library:
# what is public travels through the targets in component.cmake.

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(MILLRACE_TESTS AND NOT MILLRACE_SANITIZER AND NOT MILLRACE_COVERAGE)
    set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
  endif()
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_package(Threads REQUIRED)

include(precompile)

# millrace_settings(<target> [<kind>]): the flags of every target, and the precompiled headers of its
# kind: library or program by its type, or what is given (precompile.cmake).
function(millrace_settings target)
  millrace_flags(${target})
  get_target_property(type ${target} TYPE)
  if(ARGC GREATER 1)
    millrace_precompile(${target} ${ARGV1})
  elseif(type STREQUAL "EXECUTABLE")
    millrace_precompile(${target} program)
  else()
    millrace_precompile(${target} library)
  endif()
endfunction()

# Warnings are errors with both compilers, sanitizers reach every object.
function(millrace_flags target)
  target_compile_features(${target} PUBLIC cxx_std_23)
  target_compile_options(
    ${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
  )
  # g++ 12 takes "literal" + std::string for an overlapping copy, or one past the end, at -O3 (its
  # bug 105651); clang and the sanitizers look at the same code.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(
      ${target} PRIVATE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
    )
  endif()
  if(MILLRACE_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  if(MILLRACE_SANITIZER)
    set(flags -fsanitize=${MILLRACE_SANITIZER} -fno-omit-frame-pointer)
    if(MILLRACE_SANITIZER STREQUAL "thread")
      target_compile_definitions(${target} PRIVATE MILLRACE_TSAN=1)
    else()
      list(APPEND flags -fno-sanitize-recover=all)
      target_compile_definitions(${target} PRIVATE MILLRACE_ASAN=1)
    endif()
    target_compile_options(${target} PRIVATE ${flags})
    target_link_options(${target} PRIVATE ${flags})
  endif()
  if(MILLRACE_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()
