# No decision depends on the wall clock, so it may be set by an hour at any time: it is read for what people read, in the
# files below, and nowhere else. (The time of an event on its way, Meta::wall_time, is made of the monotonic clock and an offset.)
# cmake -D ROOT=<source> -P clocks.cmake
cmake_policy(VERSION 3.25)
set(allowed
  broker/brain/burial.cpp              # when an event was given up
  broker/brain/deaths.cpp              # when it died
  broker/brain/event_log.cpp           # the time of a log line
  broker/brain/system_events.cpp       # the offset of its events
  broker/output.cpp                    # the time of an actor's line
  libactor/include/actor/envelope.hpp  # an envelope made by hand
  transports/inproc/bus.cpp            # the offset
  transports/shm/port.cpp              # the offset
)
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/broker/*.?pp ${ROOT}/libactor/*.?pp ${ROOT}/transports/*.?pp)
foreach(source IN LISTS sources)
  file(STRINGS ${ROOT}/${source} reads REGEX "CLOCK_REALTIME|system_clock::now|gettimeofday|[^_a-z]time\\((0|NULL|nullptr)\\)")
  if(reads AND NOT source IN_LIST allowed)
    message(SEND_ERROR "${source} reads the wall clock: ${reads}\nDeadlines and intervals are measured by the monotonic clock; what is only shown is listed in tests/clocks.cmake.")
  endif()
endforeach()
