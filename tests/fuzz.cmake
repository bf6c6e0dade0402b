# tests/fuzz/*.c: each a libFuzzer target; its corpus is tests/fuzz/<name>.corpus, where there is one.
set(SESSIONFS_FUZZ_SECONDS 60 CACHE STRING "How long each fuzz target runs as a test")
math(EXPR timeout "${SESSIONFS_FUZZ_SECONDS} + 60")

sessionfs_glob(targets fuzz/*.c)
foreach(source ${targets})
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} ${source})
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(fuzz_${name} PRIVATE -Wno-missing-prototypes)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE sessionfs_config sessionfs_fs)
  # What is found goes to the build tree; the corpus of the source tree is only read.
  set(found ${CMAKE_CURRENT_BINARY_DIR}/fuzz/${name})
  file(MAKE_DIRECTORY ${found})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/${name}.corpus)
  if(NOT EXISTS ${corpus})
    set(corpus "")
  endif()
  add_test(NAME ${SESSIONFS_TREE}:fuzz/${name} COMMAND fuzz_${name}
    -max_total_time=${SESSIONFS_FUZZ_SECONDS} -artifact_prefix=${found}- ${found} ${corpus})
  set_tests_properties(${SESSIONFS_TREE}:fuzz/${name} PROPERTIES LABELS "fuzz;long" TIMEOUT ${timeout})
endforeach()
