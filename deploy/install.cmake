# What `cmake --install` puts where, and the package that `find_package(libactor)` then finds (tested by tests/package). Each file
# is of a component, and each component is a Debian package (deploy/debian/packages.cmake):
#   runtime   actor-broker, actorctl, their manuals and units, the station example
#   dev       headers, the library, the CMake package
#   iceoryx   the transport of that name, where it was built: its daemon, and the module that actors load
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Every header below libactor/include is public. Globbed, unlike sources: a header that a list forgot would build here and be
# missing only where libactor is installed.
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libactor/include/actor/*.hpp)
target_sources(actor PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/libactor/include FILES ${public_headers})

install(TARGETS actor EXPORT libactor-targets ARCHIVE COMPONENT dev FILE_SET HEADERS COMPONENT dev)
install(TARGETS actor-broker actorctl COMPONENT runtime)
if(TARGET station)
  install(TARGETS station DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/actor COMPONENT runtime)
endif()

if(TARGET actor-roudi)
  install(TARGETS actor-roudi COMPONENT iceoryx)
  install(TARGETS actor-iceoryx LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/libactor COMPONENT iceoryx)
  install(FILES deploy/man/actor-roudi.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT iceoryx)
endif()

# What operators read and type: manual pages, and completion in bash. The page of the manifest is made of its guide.
set(manifest_page ${PROJECT_BINARY_DIR}/actor-manifest.5)
add_custom_command(OUTPUT ${manifest_page}
  COMMAND ${PROJECT_SOURCE_DIR}/deploy/man/manifest-page ${PROJECT_SOURCE_DIR}/docs/manifest.md > ${manifest_page}
  DEPENDS ${PROJECT_SOURCE_DIR}/deploy/man/manifest-page ${PROJECT_SOURCE_DIR}/docs/manifest.md VERBATIM)
add_custom_target(manual_pages ALL DEPENDS ${manifest_page})
install(FILES deploy/man/actor-broker.1 deploy/man/actorctl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime)
install(FILES ${manifest_page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT runtime)
foreach(program actor-broker actorctl)
  install(FILES deploy/completion/${program}.bash COMPONENT runtime
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
endforeach()

# The units, and the station's manifest, with the place of the programs in them: known only when they are installed.
install(CODE "
  set(source ${PROJECT_SOURCE_DIR})
  set(work ${PROJECT_BINARY_DIR}/installed)
  set(bindir ${CMAKE_INSTALL_BINDIR})
  set(libexecdir ${CMAKE_INSTALL_LIBEXECDIR})
  set(station $<TARGET_EXISTS:station>)
  include(${PROJECT_SOURCE_DIR}/deploy/install_services.cmake)" COMPONENT runtime)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libactor)
install(EXPORT libactor-targets NAMESPACE actor:: DESTINATION ${package_dir} COMPONENT dev)
configure_package_config_file(deploy/libactor-config.cmake.in libactor-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break what the one before it promised.
write_basic_package_version_file(libactor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libactor-config.cmake ${PROJECT_BINARY_DIR}/libactor-config-version.cmake
  DESTINATION ${package_dir} COMPONENT dev)

if(PROJECT_IS_TOP_LEVEL)
  include(deploy/debian/packages.cmake)
endif()
