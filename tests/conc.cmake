# tests/conc/*.c: each a plain program with a main of its own, for Criterion aborts under TSan.
sessionfs_glob(programs conc/*.c)
foreach(source ${programs})
  get_filename_component(name ${source} NAME_WE)
  add_executable(conc_${name} ${source})
  set_target_properties(conc_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/conc)
  target_include_directories(conc_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(conc_${name} PRIVATE sessionfs_fs)
  add_test(NAME ${SESSIONFS_TREE}:conc/${name} COMMAND conc_${name})
  set_tests_properties(${SESSIONFS_TREE}:conc/${name} PROPERTIES
    LABELS conc TIMEOUT 120 PROCESSORS 2
    ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
endforeach()
