// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/otlp_metrics.h"

#include <cstdint>
#include <optional>

#include "broker/telemetry/protobuf_reader.h"

namespace cms::broker {

namespace {

using Found = std::function<void(const MetricPoint&)>;

// The kinds of data differ in the numbers of their points' fields only.
struct DataKind {
  std::uint32_t field;       // of the metric
  std::uint32_t attributes;  // of the point
  bool is_number;            // else a count and a sum
};
constexpr DataKind data_kinds[] = {
    {5, 7, true},    // gauge
    {7, 7, true},    // sum
    {9, 9, false},   // histogram
    {10, 1, false},  // exponential histogram
    {11, 7, false},  // summary
};

constexpr std::uint64_t delta_temporality = 1;

// Calls `each` with the fields of that number that hold bytes. False: the message is not whole, or `each` said so.
template <typename Each>
bool for_each_message(base::ByteSpan message, std::uint32_t number, Each each) {
  ProtobufReader reader(message);
  ProtobufField field;
  while (reader.next(field)) {
    if (field.is(number, WireType::bytes) && !each(field.bytes)) return false;
  }
  return reader.is_good();
}

// The last field of that number, as protocol buffers want it.
std::optional<ProtobufField> find_field(base::ByteSpan message, std::uint32_t number, WireType type) {
  ProtobufReader reader(message);
  ProtobufField field;
  std::optional<ProtobufField> last;
  while (reader.next(field)) {
    if (field.is(number, type)) last = field;
  }
  return last;
}

std::optional<std::string> text_of_value(base::ByteSpan any_value) {
  ProtobufReader reader(any_value);
  ProtobufField field;
  if (!reader.next(field)) return std::nullopt;
  if (field.is(1, WireType::bytes)) return std::string(field.as_text());
  if (field.is(2, WireType::varint)) return field.value != 0 ? "true" : "false";
  if (field.is(3, WireType::varint)) return std::to_string(field.as_signed());
  if (field.is(4, WireType::fixed64)) return std::to_string(field.as_double());
  return std::nullopt;  // lists and bytes: no label of a metric
}

class MetricReader {
 public:
  MetricReader(base::ByteSpan metric, const Found& found) : metric_(metric), found_(found) {
    if (const auto name = find_field(metric, 1, WireType::bytes)) name_ = name->as_text();
  }

  bool read() {
    for (const DataKind& kind : data_kinds) {
      const auto read_data = [&](base::ByteSpan data) {
        const auto temporality = find_field(data, 2, WireType::varint);
        is_delta_ = temporality && temporality->value == delta_temporality;
        return for_each_message(data, 1, [&](base::ByteSpan point) { return read_point(kind, point); });
      };
      if (!for_each_message(metric_, kind.field, read_data)) return false;
    }
    return true;
  }

 private:
  bool read_point(const DataKind& kind, base::ByteSpan point) {
    attributes_.clear();
    bool fits = true;
    const auto read_attribute = [&](base::ByteSpan attribute) {
      fits = attributes_.size() < metric_attributes_max;
      if (!fits) return true;
      const auto key = find_field(attribute, 1, WireType::bytes);
      const auto value = find_field(attribute, 2, WireType::bytes);
      auto text = value ? text_of_value(value->bytes) : std::nullopt;
      if (key && text) attributes_.push_back({key->as_text(), std::move(*text)});
      return true;
    };
    if (!for_each_message(point, kind.attributes, read_attribute)) return false;
    if (!fits) return true;
    if (!kind.is_number) {
      if (const auto count = find_field(point, 4, WireType::fixed64)) {
        give(".count", static_cast<double>(count->value), is_delta_);
      }
      if (const auto sum = find_field(point, 5, WireType::fixed64)) give(".sum", sum->as_double(), is_delta_);
    } else if (const auto real = find_field(point, 4, WireType::fixed64)) {
      give("", real->as_double(), is_delta_);
    } else if (const auto whole = find_field(point, 6, WireType::fixed64)) {
      give("", static_cast<double>(whole->as_signed()), is_delta_);
    }
    return true;
  }

  void give(std::string_view part, double value, bool is_delta) const {
    found_({.name = name_, .part = part, .attributes = attributes_, .value = value, .is_delta = is_delta});
  }

  base::ByteSpan metric_;
  const Found& found_;
  std::string_view name_;
  bool is_delta_ = false;
  std::vector<MetricAttribute> attributes_;
};

}  // namespace

base::Result<void> read_otlp_metrics(base::ByteSpan message, const Found& found) {
  const auto read_metric = [&](base::ByteSpan metric) { return MetricReader(metric, found).read(); };
  const auto read_scope = [&](base::ByteSpan scope) { return for_each_message(scope, 2, read_metric); };
  const auto read_resource = [&](base::ByteSpan resource) { return for_each_message(resource, 2, read_scope); };
  if (for_each_message(message, 1, read_resource)) return {};
  return base::Error(base::ErrorKind::invalid, "the bytes are no OpenTelemetry metrics");
}

}  // namespace cms::broker
