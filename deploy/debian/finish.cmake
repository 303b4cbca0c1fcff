# Run by cpack between installing and packing: what Debian's policy asks of a package beyond its files. Manuals are compressed,
# and each package has its copyright and its changelog.
set(source ${CPACK_LIBACTOR_SOURCE_DIR})
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, if that is set
set(name_of_runtime ${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME})
set(name_of_dev ${CPACK_DEBIAN_DEV_PACKAGE_NAME})
set(name_of_iceoryx ${CPACK_DEBIAN_ICEORYX_PACKAGE_NAME})

# As dh_strip does it. The programs cpack has stripped already, but for this.
file(GLOB_RECURSE libraries ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.a)
execute_process(COMMAND ${CPACK_LIBACTOR_STRIP} --strip-debug --remove-section=.comment --remove-section=.note --enable-deterministic-archives
  ${libraries} COMMAND_ERROR_IS_FATAL ANY)
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
file(GLOB programs ${root}/*/usr/bin/* ${root}/*/usr/libexec/actor/* ${root}/*/usr/lib/*/libactor/*.so)
execute_process(COMMAND ${CPACK_LIBACTOR_STRIP} --remove-section=.comment --remove-section=.note ${programs} COMMAND_ERROR_IS_FATAL ANY)

foreach(component ${CPACK_COMPONENTS_ALL})
  set(package ${name_of_${component}})
  set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component})
  set(doc ${root}/usr/share/doc/${package})
  file(READ ${source}/LICENSE license)
  file(WRITE ${doc}/copyright "libactor is distributed under these terms:\n\n${license}")
  file(WRITE ${doc}/changelog "libactor (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * What is new is in NEWS.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
  file(COPY_FILE ${source}/CHANGELOG.md ${doc}/NEWS)
  file(GLOB_RECURSE plain ${root}/usr/share/man/*.[1-9] ${doc}/changelog ${doc}/NEWS)
  execute_process(COMMAND gzip -9nf ${plain} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
