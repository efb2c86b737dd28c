# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the programs, and the native client library libcms, static, with its headers, a
# CMake package (find_package(cms), target cms::cms) and a pkg-config file.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# One archive of the layers that the library is made of, without the command line and the load generator.
set(library_objects)
foreach(part base records protocol transport client)
  list(APPEND library_objects "$<FILTER:$<TARGET_OBJECTS:${part}>,EXCLUDE,/(commands|bench)/>")
endforeach()
add_library(libcms STATIC ${library_objects})
set_target_properties(libcms PROPERTIES OUTPUT_NAME cms EXPORT_NAME cms LINKER_LANGUAGE CXX)
add_library(cms::cms ALIAS libcms)
target_compile_features(libcms INTERFACE cxx_std_20)
target_include_directories(libcms INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/client/include>
                                            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# By name, so that the package needs no other packages to be found. Behind the archive, in the order of need.
set(library_needs isal zstd lz4 deflate z snappy xxhash pthread)
target_link_libraries(libcms INTERFACE ${library_needs})

foreach(example hello_publisher hello_subscriber)
  add_executable(${example} client/examples/${example}.cc)
  target_link_libraries(${example} PRIVATE cms::cms)
endforeach()

list(TRANSFORM library_needs PREPEND "-l" OUTPUT_VARIABLE library_flags)
list(JOIN library_flags " " library_flags)
file(RELATIVE_PATH up_from_pkgconfig "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/cms.pc.in ${CMAKE_BINARY_DIR}/cms.pc @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cms-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS cmsd cms RUNTIME)
install(TARGETS libcms EXPORT cms ARCHIVE)
install(DIRECTORY client/include/cms DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT cms NAMESPACE cms:: FILE cms-config.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cms)
install(FILES ${CMAKE_BINARY_DIR}/cms-config-version.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cms)
install(FILES ${CMAKE_BINARY_DIR}/cms.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
