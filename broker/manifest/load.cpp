#include <cerrno>
#include <cstring>
#include <fstream>

#include "manifest/manifest.hpp"

namespace actor::broker {
namespace {

ManifestText failed(const std::filesystem::path& file, std::string message) {
  return {{}, ManifestError{.file = file.string(), .key = {}, .message = std::move(message)}};
}

std::string advice(int error_number) {
  if (error_number == ENOENT) return "; check the path, or give another one";
  if (error_number == EACCES) return "; make it readable for the user that runs the broker";
  return {};
}

}  // namespace

ManifestText read_manifest(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return failed(file, "cannot read the manifest: it is a directory; give the path of a TOML file");
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    const int error_number = errno;
    return failed(file, "cannot read the manifest: " + std::string(std::strerror(error_number)) + advice(error_number));
  }
  // One byte more than allowed tells too big from just right, also where a size is not known beforehand (a pipe,
  // /dev/zero).
  std::string text(max_manifest_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return failed(file, "cannot read the manifest: reading stopped with an input/output error");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > max_manifest_bytes) {
    return failed(file, "the manifest is bigger than 1 MiB; is this the right file?");
  }
  return {std::move(text), std::nullopt};
}

ManifestResult load_manifest(const std::filesystem::path& file) {
  ManifestText read = read_manifest(file);
  if (read.error) return {.manifest = {}, .wrong = {}, .errors = {std::move(*read.error)}, .warnings = {}};
  return parse_manifest(read.text, file.string());
}

}  // namespace actor::broker
