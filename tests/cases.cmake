# tests/cases/*.sh: end to end, against this tree's programs. tests/progs/*.c are the small client
# programs that they need, one file each. A case that exits with 77 is skipped.
sessionfs_glob(progs progs/*.c)
foreach(source ${progs})
  get_filename_component(name ${source} NAME_WE)
  add_executable(prog_${name} ${source})
  set_target_properties(prog_${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/progs)
  target_link_libraries(prog_${name} PRIVATE Threads::Threads)
endforeach()

# A file that only the others source begins with "_" or "lib".
sessionfs_glob(cases cases/*.sh)
foreach(source ${cases})
  get_filename_component(name ${source} NAME_WE)
  if(name MATCHES "^(_|lib)")
    continue()
  endif()
  add_test(NAME ${SESSIONFS_TREE}:cases/${name} COMMAND bash ${source})
  set_tests_properties(${SESSIONFS_TREE}:cases/${name} PROPERTIES
    LABELS cases TIMEOUT 120 SKIP_RETURN_CODE 77
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    ENVIRONMENT "SESSIONFS_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};SESSIONFS_PROGS=${CMAKE_CURRENT_BINARY_DIR}/progs;SESSIONFS_TREE=${SESSIONFS_TREE}")
endforeach()
