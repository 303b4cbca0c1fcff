# Run by `cmake --install`, from deploy/install.cmake: what has the places of the installed programs in it, which --prefix decides.
# REQUIRES: source, work, bindir, libexecdir (relative to the prefix), station (was the example built?).
set(prefix ${CMAKE_INSTALL_PREFIX})
set(bin ${prefix}/${bindir})
configure_file(${source}/deploy/systemd/actor-broker@.service.in ${work}/system/actor-broker@.service @ONLY)
configure_file(${source}/deploy/systemd/actor-broker-user@.service.in ${work}/user/actor-broker@.service @ONLY)
file(INSTALL ${work}/system/actor-broker@.service DESTINATION ${prefix}/lib/systemd/system)
file(INSTALL ${work}/user/actor-broker@.service DESTINATION ${prefix}/lib/systemd/user)
file(INSTALL ${source}/deploy/systemd/sysusers.conf DESTINATION ${prefix}/lib/sysusers.d RENAME actor-broker.conf)
file(INSTALL ${source}/deploy/systemd/tmpfiles.conf DESTINATION ${prefix}/lib/tmpfiles.d RENAME actor-broker.conf)

if(station)
  file(READ ${source}/examples/station/station.toml manifest)
  string(REGEX REPLACE "exec = \"station\"( *#[^\n]*)?" "exec = \"${prefix}/${libexecdir}/actor/station\"" manifest "${manifest}")
  string(REPLACE "actor-broker examples/station/station.toml [--for 10s]" "systemctl start actor-broker@station" manifest "${manifest}")
  file(WRITE ${work}/station.toml "${manifest}")
  # /etc belongs to the machine; what is installed elsewhere brings an example along.
  set(etc ${prefix}/share)
  if(prefix STREQUAL "/usr")
    set(etc /etc)
  endif()
  file(INSTALL ${work}/station.toml DESTINATION ${etc}/actor)
endif()
