// What libactor loads when a topic travels by iceoryx: process/carrier.hpp.

#include "iceoryx/carrier.hpp"

extern "C" __attribute__((visibility("default"))) actor::Carrier* libactor_carrier_1(
    const actor::CarrierOptions& options, std::string& error) {
  try {
    return new actor::iceoryx::IceoryxCarrier(options);
  } catch (const std::exception& exception) {
    error = exception.what();
    return nullptr;
  }
}
