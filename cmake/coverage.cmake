# The target coverage: run the tests of this build first, then it prints the report per file and
# writes coverage/index.html. For reading the error branches nobody tests; it is not a gate.
find_program(GCOVR gcovr)
if(GCOVR)
  add_custom_target(
    coverage
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/coverage
    COMMAND
      ${GCOVR} --root ${PROJECT_SOURCE_DIR} --object-directory ${PROJECT_BINARY_DIR} --filter core/
      --filter transport/ --filter tools/ --print-summary --txt --html-details
      ${PROJECT_BINARY_DIR}/coverage/index.html
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    USES_TERMINAL VERBATIM
  )
else()
  message(STATUS "gcovr is not installed: no target coverage (tools/dev/install-packages extra)")
endif()
