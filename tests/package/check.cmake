# Installs the built tree below WORK_DIR, then configures, builds and runs the project in this directory against it.
#   cmake -D BUILD_DIR=… -D WORK_DIR=… -D COMPILER=… -D FLAGS=… -P check.cmake
foreach(variable BUILD_DIR WORK_DIR COMPILER)
  if(NOT ${variable})
    message(FATAL_ERROR "check.cmake: -D ${variable}=… is missing")
  endif()
endforeach()

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result COMMAND_ECHO STDOUT)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "the step above ended with: ${result}")
  endif()
endfunction()

# Nothing of an earlier run may stand in for what is no longer installed.
file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix)
foreach(installed share/man/man1/actorctl.1 share/man/man1/actor-broker.1 share/man/man5/actor-manifest.5
    share/bash-completion/completions/actorctl share/bash-completion/completions/actor-broker)
  if(NOT EXISTS ${WORK_DIR}/prefix/${installed})
    message(FATAL_ERROR "${installed} was not installed")
  endif()
endforeach()
function(configure source build)
  run(${CMAKE_COMMAND} -S ${source} -B ${build} -G Ninja
    -D CMAKE_PREFIX_PATH=${WORK_DIR}/prefix -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
    -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_CXX_FLAGS=${FLAGS})
endfunction()
configure(${CMAKE_CURRENT_LIST_DIR} ${WORK_DIR}/build)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/package_user)
run(${WORK_DIR}/build/package_user --version)

# The project of docs/getting-started.md, its lines of CMake copied from top to bottom, finds the library. (Its sources are compiled
# in tests/docs.)
set(docs ${CMAKE_CURRENT_LIST_DIR}/../docs)
file(READ ${CMAKE_CURRENT_LIST_DIR}/../../docs/getting-started.md guide)
string(REGEX MATCHALL "```cmake\n[^`]*" blocks "${guide}")
string(REPLACE "```cmake\n" "" blocks "${blocks}")
list(JOIN blocks "" lines)
file(WRITE ${WORK_DIR}/guide/CMakeLists.txt "${lines}")
file(COPY ${docs}/first.cpp ${docs}/weather.hpp ${docs}/weather.cpp ${docs}/weather_test.cpp DESTINATION ${WORK_DIR}/guide)
configure(${WORK_DIR}/guide ${WORK_DIR}/guide/build)
