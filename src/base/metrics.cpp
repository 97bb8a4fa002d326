#include "base/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/utf8.hpp"

namespace footman::base {
namespace {

std::string escape(const std::string& text, bool quotes) {
  std::string out;
  for (char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
  return out;
}

std::string label_text(const MetricLabels& labels, const std::string& extra = {}) {
  std::string out;
  for (const auto& [key, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", key, escape(value, true));
  if (!extra.empty()) out += (out.empty() ? "" : ",") + extra;
  return out.empty() ? "" : "{" + out + "}";
}

constexpr std::size_t kMaxBoundBytes = 200;

std::string in_whole_ones(std::uint64_t millionths) {
  return fmt::format("{}.{:06}", millionths / 1'000'000, millionths % 1'000'000);
}

template <class Map, class Make>
auto& find_or_make(Map& map, MetricLabels labels, Make make) {
  auto& slot = map[std::move(labels)];
  if (!slot) slot = make();
  return *slot;
}

}  // namespace

void Histogram::observe(double value) {
  const auto index =
      static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  std::lock_guard lock(mutex_);
  ++counts_[index];
  sum_ += value;
}

Metrics::Family& Metrics::family(const std::string& name, const std::string& help, const std::string& type) {
  auto& family = families_[name];
  if (family.type.empty()) {
    family.type = type;
    family.help = help;
  }
  FOOTMAN_CHECK(family.type == type, "one metric name has one type");
  return family;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, MetricLabels labels) {
  std::lock_guard lock(mutex_);
  return find_or_make(family(name, help, "counter").counters, std::move(labels),
                      [] { return std::make_unique<Counter>(); });
}

Counter& Metrics::micro_counter(const std::string& name, const std::string& help, MetricLabels labels) {
  auto& made = counter(name, help, std::move(labels));
  std::lock_guard lock(mutex_);
  families_[name].in_millionths = true;
  return made;
}

std::string Metrics::bound(const std::string& group, const std::string& value, std::size_t most) {
  std::string shown(cut_utf8(value, kMaxBoundBytes));
  std::lock_guard lock(mutex_);
  auto& known = bounded_[group];
  if (known.contains(shown)) return shown;
  if (known.size() >= most) return "(other)";
  known.insert(shown);
  return shown;
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, MetricLabels labels) {
  std::lock_guard lock(mutex_);
  return find_or_make(family(name, help, "gauge").gauges, std::move(labels),
                      [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                              MetricLabels labels) {
  std::lock_guard lock(mutex_);
  return find_or_make(family(name, help, "histogram").histograms, std::move(labels),
                      [&] { return std::make_unique<Histogram>(std::move(bounds)); });
}

std::string Metrics::expose() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escape(family.help, false), name, family.type);
    for (const auto& [labels, counter] : family.counters)
      out += fmt::format(
          "{}{} {}\n", name, label_text(labels),
          family.in_millionths ? in_whole_ones(counter->value()) : fmt::format("{}", counter->value()));
    for (const auto& [labels, gauge] : family.gauges)
      out += fmt::format("{}{} {}\n", name, label_text(labels), gauge->value());
    for (const auto& [labels, histogram] : family.histograms) {
      std::lock_guard inner(histogram->mutex_);
      std::uint64_t cumulative = 0;
      for (std::size_t i = 0; i < histogram->counts_.size(); ++i) {
        cumulative += histogram->counts_[i];
        const auto bound = i < histogram->bounds_.size() ? fmt::format("{}", histogram->bounds_[i]) : "+Inf";
        out += fmt::format("{}_bucket{} {}\n", name, label_text(labels, fmt::format("le=\"{}\"", bound)),
                           cumulative);
      }
      out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, label_text(labels), histogram->sum_, name,
                         label_text(labels), cumulative);
    }
  }
  return out;
}

}  // namespace footman::base
