# Sets VAR to the sources that match the globs, relative to the calling folder. A file that is
# added or removed is noticed by the next build.
function(sessionfs_glob var)
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  set(${var} ${sources} PARENT_SCOPE)
endfunction()

# A static library, or an interface one where a folder is still empty: whoever links it need not
# know. SCOPE is the keyword for its usage requirements.
function(sessionfs_archive name scope)
  if(ARGN)
    add_library(${name} STATIC ${ARGN})
    set(${scope} PUBLIC PARENT_SCOPE)
  else()
    add_library(${name} INTERFACE)
    set(${scope} INTERFACE PARENT_SCOPE)
  endif()
endfunction()
