# SPDX-License-Identifier: Apache-2.0
# Libraries from Debian 12. Each layer names the ones it uses in cmake/layers.cmake.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(uring REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
find_library(SNAPPY snappy REQUIRED)
find_library(RAPIDCHECK rapidcheck REQUIRED)

set(libraries_base spdlog::spdlog PkgConfig::isal Threads::Threads)
set(libraries_records PkgConfig::zstd PkgConfig::lz4 PkgConfig::libdeflate ZLIB::ZLIB ${SNAPPY} PkgConfig::xxhash)
set(libraries_storage PkgConfig::uring)
set(libraries_transport OpenSSL::SSL)
