#include <dlfcn.h>

#include <actor/error.hpp>
#include <process/carrier.hpp>

namespace actor {

std::unique_ptr<Carrier> load_carrier(const CarrierOptions& options) {
  // Never closed: the carrier's code runs until the process ends, in threads of its own too.
  void* const module = dlopen(options.module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    const char* const why = dlerror();
    throw Error(ErrorCode::Io, "loading " + options.module +
                                   ", which carries the events of some topics: " + (why ? why : "no reason given") +
                                   "; install the package that has it, or set transport = \"shm\" in the manifest");
  }
  const auto entry = reinterpret_cast<CarrierEntry>(dlsym(module, carrier_entry));
  if (!entry) throw Error(ErrorCode::Refused, options.module + " is of another version of libactor than this program");
  std::string error;
  std::unique_ptr<Carrier> carrier(entry(options, error));
  if (!carrier) throw Error(ErrorCode::Refused, options.module + ": " + error);
  return carrier;
}

}  // namespace actor
