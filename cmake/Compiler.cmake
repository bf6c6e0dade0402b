# What every target is compiled with.
include(CheckCCompilerFlag)

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64
                        SESSIONFS_VERSION="${PROJECT_VERSION}")

add_compile_options(
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wcast-qual
  -Wimplicit-fallthrough -fno-common -fno-strict-aliasing
  -ffunction-sections -fdata-sections)

if(SESSIONFS_WERROR)
  add_compile_options(-Werror)
endif()

# Fortification cannot see through the sanitizers' interceptors, and needs optimisation.
if(SESSIONFS_SANITIZE)
  add_compile_options(-fsanitize=${SESSIONFS_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SESSIONFS_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()

if(SESSIONFS_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
