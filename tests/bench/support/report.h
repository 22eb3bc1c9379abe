// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace linli::bench {

/// Repeats of one figure; printed and compared by its median.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  [[nodiscard]] std::size_t count() const { return values_.size(); }
  /// `q` in [0, 1]; 0.5 = median. Asserts that there is a value.
  [[nodiscard]] double quantile(double q) const;
  [[nodiscard]] double median() const { return quantile(0.5); }
  /// How far the middle half lies apart, relative to the median.
  [[nodiscard]] double spread() const;

 private:
  std::vector<double> values_;
};

enum class Wanted { at_most, at_least };

/// One line of the table. Empty members are not printed.
struct Figure {
  std::string what;
  double value = 0;
  std::string unit;
  /// The limit of this machine, measured in the same run.
  std::optional<double> limit{};
  std::optional<double> ratio{};
  std::optional<double> cpu_seconds{};
  struct Goal {
    Wanted wanted = Wanted::at_most;
    double value = 0;
    /// Compare the ratio, not the value.
    bool of_ratio = false;
  };
  std::optional<Goal> goal{};
};

/// The table of one benchmark. A missed goal is reported, not an error; an invalid measurement is.
class Report {
 public:
  explicit Report(std::string title);
  void add(Figure figure) { figures_.push_back(std::move(figure)); }
  void note(std::string text) { notes_.push_back(std::move(text)); }
  /// The limit itself must stand still: a spread above 25 % makes the run invalid.
  void require_calm(const std::string& what, const Samples& limit);
  /// For figures in wall time: invalid when others took the load's core.
  void require_quiet();
  /// Prints; the exit code of the program.
  int finish();

 private:
  std::string title_;
  std::vector<Figure> figures_;
  std::vector<std::string> notes_;
  std::vector<std::string> faults_;
};

/// Command line of every benchmark.
struct Options {
  bool quick = false;
  /// 0 = the benchmark's own choice.
  std::size_t n = 0;
  std::size_t rounds = 0;
  std::string linlid = "build/release/bin/linlid";
};
/// `--quick`, `--n N`, `--rounds N`, `--linlid PATH`; dies on anything else.
Options parse_options(int argc, char** argv);

}  // namespace linli::bench
