// SPDX-License-Identifier: Apache-2.0
// A configuration file of any content, as TOML and as server.properties: it is refused, or what --print-config makes of
// it loads as the same.
#include "base/check.h"
#include "broker/config/settings.h"

namespace {

using namespace cms::broker;

void load(const FileSettings& settings) {
  const ConfigMap environment = {{"HOME", "/home/someone"}};
  const auto loaded = make_configuration("fuzz", settings, environment, {});
  if (!loaded) {
    CHECK(!loaded.error().message().empty());
    return;
  }
  const auto printed = read_toml(print_configuration(loaded->options), "printed");
  CHECK(printed);
  const auto again = make_configuration("fuzz", *printed, environment, {});
  CHECK(again);
  CHECK(again->options.given == loaded->options.given);
  CHECK(again->options.pools.all().size() == loaded->options.pools.all().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)looks_like_properties(text, "fuzz");
  if (const auto settings = read_toml(text, "fuzz")) load(*settings);
  if (const auto settings = read_properties(text, "fuzz")) load(*settings);
  return 0;
}
