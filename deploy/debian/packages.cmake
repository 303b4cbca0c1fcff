# The Debian packages, one for each component of deploy/install.cmake. `deploy/package` makes them in build/packages; dependencies
# on libraries come from dpkg-shlibdeps.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libactor)
set(CPACK_PACKAGE_VENDOR libactor)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_CONTACT "the libactor authors <libactor@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/deploy/debian/finish.cmake)
set(CPACK_LIBACTOR_SOURCE_DIR ${PROJECT_SOURCE_DIR})
set(CPACK_LIBACTOR_STRIP ${CMAKE_STRIP})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)  # cross-compiled, too
endif()

set(scripts ${PROJECT_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME actor-broker)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "start actors, watch them, restart what dies
The broker of libactor, an actor runtime over shared memory: it starts the
actors that a manifest names, each a process of its own, tells them who hears
whom, and keeps them alive. actorctl shows and steers them. With systemd
units, manual pages and an example, the station.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libactor-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libboost1.81-dev, libcereal-dev, libspdlog-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "actor-broker (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_DEV_DESCRIPTION "multi-process actor runtime over shared memory (development files)
Headers, the static library and the CMake package of libactor: actors as
objects in one process, or each a supervised process, with events by topic
over shared memory.")

set(CPACK_DEBIAN_ICEORYX_PACKAGE_NAME libactor-iceoryx)
set(CPACK_DEBIAN_ICEORYX_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_ICEORYX_PACKAGE_DEPENDS "actor-broker (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_ICEORYX_DESCRIPTION "multi-process actor runtime over shared memory (iceoryx transport)
What actors and their broker need for topics that travel by iceoryx: the
module that actors load, and iceoryx's daemon as an actor that the broker
supervises.")

set(packaged actor actor-broker actorctl manual_pages)
if(TARGET station)
  list(APPEND packaged station)
endif()
if(TARGET actor-roudi)
  list(APPEND packaged actor-roudi actor-iceoryx)
  list(APPEND CPACK_COMPONENTS_ALL iceoryx)
endif()
add_custom_target(packaged DEPENDS ${packaged})
include(CPack)
