# Is each program that the README shows the file that it names, line for line?
#   cmake -D ROOT=… -P readme.cmake
file(READ ${ROOT}/README.md readme)
foreach(shown examples/hello/hello.cpp examples/hello/hello.toml)
  file(READ ${ROOT}/${shown} text)
  string(FIND "${readme}" "\n${text}```" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "README.md does not show ${shown} as it is now: copy the file into its block.")
  endif()
endforeach()
