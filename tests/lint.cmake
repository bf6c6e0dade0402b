# Each step of packaging/lint is a test of its own.
foreach(step format tidy cppcheck analyzer shellcheck codespell layers)
  add_test(NAME lint:${step} COMMAND ${PROJECT_SOURCE_DIR}/packaging/lint ${step})
  set_tests_properties(lint:${step} PROPERTIES LABELS lint TIMEOUT 600)
endforeach()
# These keep both processors busy themselves.
set_tests_properties(lint:tidy lint:cppcheck lint:analyzer PROPERTIES PROCESSORS 2)
