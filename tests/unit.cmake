# tests/unit/**/*.c: each file is a Criterion program. tests/support/*.c is linked into all of them.
find_path(CRITERION_INCLUDE criterion/criterion.h REQUIRED)
find_library(CRITERION_LIBRARY criterion REQUIRED)

file(GLOB_RECURSE units CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/unit/*.c)
sessionfs_glob(support support/*.c)
foreach(source ${units})
  file(RELATIVE_PATH name ${CMAKE_CURRENT_SOURCE_DIR} ${source})
  string(REGEX REPLACE "\\.c$" "" name ${name})
  string(REPLACE "/" "_" target ${name})
  add_executable(${target} ${source} ${support})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/unit)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_include_directories(${target} SYSTEM PRIVATE ${CRITERION_INCLUDE})
  target_link_libraries(${target} PRIVATE
    sessionfs_supervisor sessionfs_cli sessionfs_fs ${CRITERION_LIBRARY})
  # Test() defines functions that no header declares.
  target_compile_options(${target} PRIVATE -Wno-missing-prototypes)
  add_test(NAME ${SESSIONFS_TREE}:${name} COMMAND ${target})
  set_tests_properties(${SESSIONFS_TREE}:${name} PROPERTIES LABELS unit TIMEOUT 60
    # Criterion calls a program without a test a success, and one that leaked.
    FAIL_REGULAR_EXPRESSION "Tested: 0 ;Sanitizer: ")
endforeach()
