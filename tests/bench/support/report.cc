// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/assert.h"
#include "base/environment.h"
#include "tests/bench/support/process.h"

namespace linli::bench {
namespace {

constexpr double kSpreadMax = 0.25;
constexpr double kWaitingMax = 0.1;

std::string number(double value) {
  char out[32];
  const double size = value < 0 ? -value : value;
  const char* const format = size >= 1000 ? "%.0f" : size >= 100 ? "%.1f" : "%.3g";
  std::snprintf(out, sizeof out, format, value);
  return out;
}

std::string number(const std::optional<double>& value) { return value ? number(*value) : "-"; }

std::string goal_text(const Figure& figure) {
  if (!figure.goal) return "";
  const Figure::Goal& goal = *figure.goal;
  const double is = goal.of_ratio ? figure.ratio.value_or(0) : figure.value;
  const bool met = goal.wanted == Wanted::at_most ? is <= goal.value : is >= goal.value;
  return std::string(goal.wanted == Wanted::at_most ? "<= " : ">= ") + number(goal.value) +
         (goal.of_ratio ? " x  " : "  ") + (met ? "met" : "MISSED");
}

}  // namespace

double Samples::quantile(double q) const {
  LINLI_ASSERT(!values_.empty());
  std::vector<double> sorted = values_;
  std::ranges::sort(sorted);
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - static_cast<double>(low));
}

double Samples::spread() const {
  return count() < 2 ? 0 : (quantile(0.75) - quantile(0.25)) / std::max(median(), 1e-12);
}

Report::Report(std::string title) : title_(std::move(title)) {}

void Report::require_calm(const std::string& what, const Samples& limit) {
  char text[160];
  std::snprintf(text, sizeof text, "%s: middle half of %zu rounds within %.0f %% of the median",
                what.c_str(), limit.count(), 100 * limit.spread());
  notes_.emplace_back(text);
  if (limit.spread() > kSpreadMax) faults_.push_back(what + " varies more than 25 %");
}

void Report::require_quiet() {
  if (const double share = waiting_share(); share > kWaitingMax)
    faults_.push_back("the load waited " + number(100 * share) +
                      " % of its time for its core: wall times say nothing");
}

int Report::finish() {
  std::printf("\n%s\n", title_.c_str());
  std::printf("  %-44s %12s %-14s %12s %8s %9s  %s\n", "figure", "value", "unit", "limit", "ratio",
              "CPU s", "goal");
  for (const Figure& f : figures_)
    std::printf("  %-44s %12s %-14s %12s %8s %9s  %s\n", f.what.c_str(), number(f.value).c_str(),
                f.unit.c_str(), number(f.limit).c_str(), number(f.ratio).c_str(),
                number(f.cpu_seconds).c_str(), goal_text(f).c_str());
  for (const std::string& text : notes_) std::printf("  note: %s\n", text.c_str());
  for (const std::string& text : faults_) std::printf("  INVALID: %s\n", text.c_str());
  std::fflush(stdout);
  return faults_.empty() ? 0 : 1;
}

Options parse_options(int argc, char** argv) {
  Options out;
  if (const auto path = environment("LINLID")) out.linlid = *path;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto next = [&]() -> std::string {
      if (i + 1 >= argc) die(name + " needs a value");
      return argv[++i];
    };
    if (name == "--quick")
      out.quick = true;
    else if (name == "--n")
      out.n = std::strtoul(next().c_str(), nullptr, 10);
    else if (name == "--rounds")
      out.rounds = std::strtoul(next().c_str(), nullptr, 10);
    else if (name == "--linlid")
      out.linlid = next();
    else
      die("unknown argument " + name + "; known: --quick, --n N, --rounds N, --linlid PATH");
  }
  out.linlid = std::filesystem::absolute(out.linlid);
  return out;
}

}  // namespace linli::bench
