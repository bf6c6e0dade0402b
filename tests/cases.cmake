# tests/cases/*.sh: end to end, against this tree's programs; tests/crash/*.sh: the same, but too
# long for every run (label long). tests/progs/*.c are the small client programs that they need, one
# file each. A case that exits with 77 is skipped.
sessionfs_glob(progs progs/*.c)
foreach(source ${progs})
  get_filename_component(name ${source} NAME_WE)
  add_executable(prog_${name} ${source})
  set_target_properties(prog_${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/progs)
  target_link_libraries(prog_${name} PRIVATE Threads::Threads)
  # File systems for others to stand on.
  if(name MATCHES "^fuse_")
    target_link_libraries(prog_${name} PRIVATE PkgConfig::FUSE3)
  endif()
endforeach()

# The player of the conformance cases, which are *.cases beside it. It is what programs do, not what
# is tested: without sanitizers, for it forks thousands of times.
sessionfs_glob(player conform/*.c)
add_executable(conform ${player})
set_target_properties(conform PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/progs)
target_compile_options(conform PRIVATE -fno-sanitize=all)
target_link_options(conform PRIVATE -fno-sanitize=all)

# A program of several files: the randomised comparison of a view with a plain directory.
sessionfs_glob(model model/*.c)
add_executable(prog_model ${model})
set_target_properties(prog_model PROPERTIES OUTPUT_NAME model
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/progs)

function(sessionfs_cases kind labels timeout)
  sessionfs_glob(cases ${kind}/*.sh)
  # A file that only the others source begins with "_" or "lib".
  list(FILTER cases EXCLUDE REGEX "/(_|lib)[^/]*$")
  foreach(source ${cases})
    get_filename_component(name ${source} NAME_WE)
    set(test ${SESSIONFS_TREE}:${kind}/${name})
    add_test(NAME ${test} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/run-case ${source}
      ${CMAKE_CURRENT_BINARY_DIR}/reports/${kind}/${name})
    set_tests_properties(${test} PROPERTIES
      LABELS "${labels}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_property(TEST ${test} PROPERTY ENVIRONMENT
      SESSIONFS_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
      SESSIONFS_PROGS=${CMAKE_CURRENT_BINARY_DIR}/progs
      SESSIONFS_TREE=${SESSIONFS_TREE})
  endforeach()
endfunction()

sessionfs_cases(cases "cases" 120)
sessionfs_cases(crash "crash;long" 1800)
# Several times what they take on two processors that are idle.
set_tests_properties(${SESSIONFS_TREE}:cases/model ${SESSIONFS_TREE}:cases/model_no_passthrough
  PROPERTIES TIMEOUT 320)
