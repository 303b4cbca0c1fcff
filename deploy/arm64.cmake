# The toolchain of the preset arm64: Debian's cross compiler, libraries of Debian's multiarch (libsqlite3-dev:arm64), and qemu-user
# to run what was built. `deploy/cross` installs all of it in a root of its own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
