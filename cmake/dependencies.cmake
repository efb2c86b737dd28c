# SPDX-License-Identifier: Apache-2.0
# Libraries from Debian 12. Each layer names the ones it uses in cmake/layers.cmake.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(uring REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(rdma librdmacm libibverbs)
pkg_check_modules(rdkafka IMPORTED_TARGET rdkafka)
find_library(SNAPPY snappy REQUIRED)
find_library(RAPIDCHECK rapidcheck REQUIRED)

set(libraries_base spdlog::spdlog_header_only fmt::fmt-header-only PkgConfig::isal Threads::Threads)
set(libraries_records PkgConfig::zstd PkgConfig::lz4 PkgConfig::libdeflate ZLIB::ZLIB ${SNAPPY} PkgConfig::xxhash)
set(libraries_storage PkgConfig::uring)
set(libraries_transport OpenSSL::SSL)
# Of rdma-core only the headers: its libraries are loaded where there is a device (transport/rdma/rdma_core.h). Without
# the headers a channel over RDMA says that it was built without.
if(rdma_FOUND)
  set(left_out_transport "/transport/rdma/absent/")
else()
  set(left_out_transport "/transport/rdma/[a-z_]+\\.cc$")
endif()
set(libraries_coordinator PkgConfig::re2 PkgConfig::xxhash)
set(libraries_client ZLIB::ZLIB yaml-cpp)
# A driver of the load generator.
# The thread sanitizer does not see how a library locks that was built without it.
if(rdkafka_FOUND AND NOT CMS_SANITIZE STREQUAL thread)
  list(APPEND libraries_client PkgConfig::rdkafka)
  set(left_out_client "/bench/librdkafka/absent/")
else()
  set(left_out_client "/bench/librdkafka/[a-z_]+\\.cc$")
endif()
