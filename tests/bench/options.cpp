#include "options.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <system_error>

namespace bench {
namespace {

std::string usage(const char* program, const std::vector<Option>& options, const std::string& more) {
  std::string text = "usage: " + std::filesystem::path(program).filename().string();
  for (const Option& option : options)
    text += " [" + option.name + (option.value.empty() ? "" : " " + option.value) + "]";
  return text + "\n" + more;
}

/// True: the words made sense.
bool take_all(const std::vector<std::string>& words, const std::vector<Option>& options) {
  for (auto word = words.begin(); word != words.end(); ++word) {
    const auto option =
        std::find_if(options.begin(), options.end(), [&](const Option& known) { return known.name == *word; });
    if (option == options.end()) return false;
    if (!option->value.empty() && ++word == words.end()) return false;
    if (!option->take(*word)) return false;
  }
  return true;
}

}  // namespace

Option flag(std::string name, bool& to) {
  return {std::move(name), "", [&to](const std::string&) { return to = true; }};
}

Option text_option(std::string name, std::string value, std::string& to) {
  return {std::move(name), std::move(value), [&to](const std::string& text) {
            to = text;
            return true;
          }};
}

Option number_option(std::string name, std::string value, unsigned& to) {
  return {std::move(name), std::move(value), [&to](const std::string& text) {
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
            return error == std::errc{} && *end == '\0' && to > 0;
          }};
}

int drive(int argc, char** argv, const std::vector<Option>& options, const std::string& more,
          const std::function<void()>& run) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words == std::vector<std::string>{"--help"}) {
    std::cout << usage(argv[0], options, more);
    return 0;
  }
  if (!take_all(words, options)) {
    std::cerr << usage(argv[0], options, more);
    return 2;
  }
  try {
    run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << std::filesystem::path(argv[0]).filename().string() << ": " << error.what() << '\n';
    return 1;
  }
}

void save(const std::string& path, const std::function<void(std::ostream&)>& write) {
  std::ofstream file(path);
  write(file);
  if (!file.flush()) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
}

}  // namespace bench
