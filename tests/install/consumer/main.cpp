// Uses one thing of the library that is not inline, so that linking is part of the check.
#include "millrace/core/result.hpp"

#include <cstdio>

int main() {
  const millrace::Failure failure = millrace::fail(millrace::Errc::not_found, "nobody is there");
  std::printf("consumer: %s\n", millrace::to_string(failure.error().code()));
  return failure.error().sentence() == "nobody is there" ? 0 : 1;
}
