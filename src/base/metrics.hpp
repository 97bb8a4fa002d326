// Counters, gauges and histograms with the Prometheus text exposition. One registry, built in main, passed
// down. Handles stay valid as long as the registry and may be used from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace footman::base {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value);  // seconds, bytes: the unit is last in the metric's name

 private:
  friend class Metrics;
  mutable std::mutex mutex_;
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

using MetricLabels = std::map<std::string, std::string>;

class Metrics {
 public:
  // The same name and labels give the same object. Names are footman_<what>_<unit>[_total].
  Counter& counter(const std::string& name, const std::string& help, MetricLabels labels = {});
  // Counts millionths (microseconds, millionths of a dollar), and shows whole ones.
  Counter& micro_counter(const std::string& name, const std::string& help, MetricLabels labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, MetricLabels labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                       MetricLabels labels = {});

  // For labels whose values come from outside: the value itself as long as the group has no more than `most`
  // of them, "(other)" for what comes later. Long ones are cut.
  std::string bound(const std::string& group, const std::string& value, std::size_t most);

  std::string expose() const;  // Content-Type: text/plain; version=0.0.4

 private:
  struct Family {
    std::string help;
    std::string type;
    bool in_millionths = false;
    std::map<MetricLabels, std::unique_ptr<Counter>> counters;
    std::map<MetricLabels, std::unique_ptr<Gauge>> gauges;
    std::map<MetricLabels, std::unique_ptr<Histogram>> histograms;
  };
  Family& family(const std::string& name, const std::string& help, const std::string& type);
  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
  std::map<std::string, std::set<std::string>> bounded_;  // by group
};

}  // namespace footman::base
