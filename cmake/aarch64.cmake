# Toolchain of the preset aarch64: Debian's cross compiler, and tests that run under qemu-user.
# tools/dev/check-aarch64 fills the directory of what comes from arm64 packages.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH MILLRACE_TREE)
set(MILLRACE_ARM64 ${MILLRACE_TREE}/build/arm64-packages)
set(MILLRACE_ARM64_LIBRARIES ${MILLRACE_ARM64}/usr/lib/aarch64-linux-gnu)

set(CMAKE_FIND_ROOT_PATH ${MILLRACE_ARM64})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${MILLRACE_ARM64_LIBRARIES}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MILLRACE_ARM64})
# Libraries of libraries too are found there: by the linker, and at run time by the old kind of path.
string(
  CONCAT CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${MILLRACE_ARM64_LIBRARIES} "
         "-Wl,--disable-new-dtags,-rpath,${MILLRACE_ARM64_LIBRARIES}"
)

# Compare-and-swap in one instruction, as every server of this kind has it.
set(CMAKE_CXX_FLAGS_INIT
    "-march=armv8.1-a -isystem ${MILLRACE_ARM64}/usr/include/aarch64-linux-gnu"
)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
