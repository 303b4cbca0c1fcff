#include <actor/version.hpp>
#include <iostream>
#include <string_view>

int main() {
  if (std::string_view(actor::version()) != PACKAGE_VERSION) {
    std::cerr << "the library says " << actor::version() << ", the package says " << PACKAGE_VERSION << '\n';
    return 1;
  }
  std::cout << "libactor " << actor::version() << " found, linked and run\n";
}
