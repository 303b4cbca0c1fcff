# What `cmake --install` puts where, and the package that `find_package(libactor)` then finds (tested by tests/package).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Every header below libactor/include is public. Globbed, unlike sources: a header that a list forgot would build here and be
# missing only where libactor is installed.
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libactor/include/actor/*.hpp)
target_sources(actor PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/libactor/include FILES ${public_headers})

install(TARGETS actor EXPORT libactor-targets FILE_SET HEADERS)
foreach(program actor-broker actorctl)
  if(TARGET ${program})
    install(TARGETS ${program})
  endif()
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libactor)
install(EXPORT libactor-targets NAMESPACE actor:: DESTINATION ${package_dir})
configure_package_config_file(deploy/libactor-config.cmake.in libactor-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break what the one before it promised.
write_basic_package_version_file(libactor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libactor-config.cmake ${PROJECT_BINARY_DIR}/libactor-config-version.cmake
  DESTINATION ${package_dir})
