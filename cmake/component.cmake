# millrace_component(<layer> HEADERS ... SOURCES ... PUBLIC ... PRIVATE ...): one library a layer.
#
# PUBLIC and PRIVATE name what it links. Each layer exports only its own include directory, so an
# include that points the wrong way does not compile. A layer without sources is header-only.
#
# With tests there is a twin, millrace_<layer>_crash, compiled with MILLRACE_CRASH_POINTS=1: the same
# sources, in which a test may name the point where the process dies. Nothing else links it.
function(millrace_component layer)
  cmake_parse_arguments(ARG "" "" "HEADERS;SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target millrace_${layer})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    millrace_settings(${target})
    target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_compile_features(${target} INTERFACE cxx_std_23)
    target_link_libraries(${target} INTERFACE ${ARG_PUBLIC})
  endif()
  add_library(millrace::${layer} ALIAS ${target})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS include FILES ${ARG_HEADERS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${layer})
  if(CMAKE_VERIFY_INTERFACE_HEADER_SETS AND ARG_HEADERS)
    # Part of every full build: each public header compiles alone.
    add_custom_target(${target}_headers ALL)
    add_dependencies(${target}_headers ${target}_verify_interface_header_sets)
  endif()
  if(MILLRACE_INSTALL)
    install(
      TARGETS ${target}
      EXPORT millraceTargets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
      FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    )
  endif()
  if(MILLRACE_TESTS AND ARG_SOURCES)
    millrace_crash_twin(${layer})
  endif()
endfunction()

# Reads the ARG_ variables of millrace_component, which alone calls it.
function(millrace_crash_twin layer)
  set(twin millrace_${layer}_crash)
  add_library(${twin} STATIC EXCLUDE_FROM_ALL ${ARG_SOURCES})
  millrace_settings(${twin})
  target_include_directories(${twin} PUBLIC include)
  target_compile_definitions(${twin} PUBLIC MILLRACE_CRASH_POINTS=1)
  list(TRANSFORM ARG_PUBLIC REPLACE "^millrace::(.*)$" "millrace_\\1_crash")
  target_link_libraries(${twin} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()
