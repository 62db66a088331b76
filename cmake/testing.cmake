# millrace_test(<name> SOURCES ... DEPENDS ... LABELS ... [SERIAL] [TIMEOUT <seconds>] [OWN_MAIN])
#
# One GoogleTest program; each TEST in it becomes a ctest of its own. The labels:
#   quick      under a second each; what `tools/test --quick` runs
#   slow       longer than that
#   inprocess  threads of one process only: these alone are built and run under ThreadSanitizer,
#              which sees one process and one mapping
# The folder (unit, model, stress, crash, ...) is added as a label. TIMEOUT is a watchdog against a
# hang, not a measurement. SERIAL keeps other tests off the machine meanwhile.
#
# millrace_test_program(<name> SOURCES ... DEPENDS ...): a program that tests start. It lies, like
# the millrace command, in MILLRACE_BIN_DIR; files of the tree are found from MILLRACE_SOURCE_DIR.
# Both are string macros in every test. Make the test depend on it: add_dependencies(<test> <name>).

find_package(GTest REQUIRED)
include(GoogleTest)

function(millrace_test_program name)
  cmake_parse_arguments(ARG "" "PRELUDE" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  millrace_settings(${name} ${ARG_PRELUDE})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(
    ${name} PRIVATE MILLRACE_BIN_DIR="$<TARGET_FILE_DIR:${name}>"
                    MILLRACE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
  )
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} Threads::Threads)
endfunction()

function(millrace_test name)
  cmake_parse_arguments(ARG "SERIAL;OWN_MAIN" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(MILLRACE_SANITIZER STREQUAL "thread" AND NOT "inprocess" IN_LIST ARG_LABELS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  millrace_test_program(
    ${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS} GTest::gmock PRELUDE test
  )
  target_link_libraries(${name} PRIVATE $<IF:$<BOOL:${ARG_OWN_MAIN}>,GTest::gtest,GTest::gtest_main>)
  gtest_discover_tests(${name} TEST_LIST ${name}_names DISCOVERY_TIMEOUT 60)

  # gtest_discover_tests cannot pass a list of labels, so they are set after the discovery.
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "/.*" "" folder "${folder}")
  set(labels ${ARG_LABELS} ${folder})
  set(after ${CMAKE_CURRENT_BINARY_DIR}/${name}_properties.cmake)
  file(CONFIGURE OUTPUT ${after} @ONLY CONTENT [[
if(@name@_names)
  set_tests_properties(
    ${@name@_names} PROPERTIES LABELS "@labels@" TIMEOUT @ARG_TIMEOUT@ RUN_SERIAL @ARG_SERIAL@
  )
endif()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${after})
endfunction()
