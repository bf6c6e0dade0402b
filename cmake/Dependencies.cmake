# Libraries. jansson and xxhash are linked statically where the archive is there: the command line
# starts in every call of a session, and each shared library costs it some 100 us.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# packaging/libfuse puts a new enough libfuse here when the system has none.
set(ENV{PKG_CONFIG_PATH}
    "${PROJECT_SOURCE_DIR}/build/deps/fuse3/lib/pkgconfig:$ENV{PKG_CONFIG_PATH}")
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.17)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8)

function(sessionfs_library name archive imported)
  add_library(${name} INTERFACE)
  find_library(${name}_ARCHIVE ${archive})
  mark_as_advanced(${name}_ARCHIVE)
  if(${name}_ARCHIVE)
    target_include_directories(${name} SYSTEM INTERFACE
      $<TARGET_PROPERTY:${imported},INTERFACE_INCLUDE_DIRECTORIES>)
    target_link_libraries(${name} INTERFACE ${${name}_ARCHIVE})
  else()
    target_link_libraries(${name} INTERFACE ${imported})
  endif()
endfunction()

sessionfs_library(sessionfs_jansson libjansson.a PkgConfig::JANSSON)
sessionfs_library(sessionfs_xxhash libxxhash.a PkgConfig::XXHASH)

# Service manager notifications; without them the daemon runs all the same.
pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
