// SPDX-License-Identifier: Apache-2.0
// Rows printed in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace cms::client {

class Table {
 public:
  // A heading that begins with '>' has its column set flush right, for numbers.
  explicit Table(std::vector<std::string> headings);

  void add(std::vector<std::string> row);  // as many cells as headings
  bool empty() const { return rows_.empty(); }

  // Each line ends with a newline and has no spaces before it.
  std::string to_text(int indent = 0) const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cms::client
