// SPDX-License-Identifier: Apache-2.0
// The numbers one client has pushed, as they are shown: a line of Prometheus text for each name and set of attributes.
// Immutable; a push makes a new one.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::broker {

inline constexpr std::string_view client_metric_family = "cms_client_metric";

// Appends `,key="value"` (without the comma at the beginning of the labels), escaped; a value that is not UTF-8 is left
// out with its key.
void append_label(std::string& labels, std::string_view key, std::string_view value);

class ClientSeries {
 public:
  static constexpr std::size_t series_max = 1000;        // of one client
  static constexpr std::size_t labels_bytes_max = 1024;  // of one series; a longer one is left out

  // What there is after a push. Sums since the last push are added up to totals, which stay though a push does not name
  // them; everything else is as the push says. `left_out` counts what there is no room for. ErrorKind::invalid: the
  // bytes are no metrics.
  base::Result<std::shared_ptr<const ClientSeries>> after(base::ByteSpan pushed, std::size_t& left_out) const;

  std::size_t size() const { return series_.size(); }

  // Appends the lines; `client_labels` come first in each.
  void print(std::string_view client_labels, std::string& text) const;

 private:
  struct Series {
    double value = 0;
    bool is_total = false;
  };
  std::map<std::string, Series, std::less<>> series_;  // by labels
};

}  // namespace cms::broker
