// An outside world in virtual time: scripted answers instead of HTTP, files and variables in memory.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cloud/aws/foundation.hpp"
#include "runtime/manual_clock.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::aws::test {

using base::Result;
using runtime::Awaitable;

inline net::HttpClientResponse answer(int status, std::string body, net::Headers headers = {}) {
  return {status, std::move(headers), std::move(body)};
}
inline net::HttpClientResponse json_error(const std::string& code, const std::string& message = "words",
                                          int status = 400) {
  net::HttpClientResponse out{status, {}, R"({"__type":")" + code + R"(","message":")" + message + "\"}"};
  out.headers.add("x-amzn-RequestId", "req-1");
  return out;
}
inline net::Headers header(std::string name, std::string value) {
  net::Headers headers;
  headers.add(std::move(name), std::move(value));
  return headers;
}

// One place that can be asked: every request is answered by `script` after `delay`.
struct Place {
  std::function<Result<net::HttpClientResponse>(const net::HttpClientRequest&)> script;
  std::vector<net::HttpClientRequest> requests;
  std::vector<base::Duration> times;  // of the requests, steady
  base::Duration delay{0};

  // One answer after the other; more requests than answers are a failure of the test.
  void answers(std::vector<Result<net::HttpClientResponse>> list) {
    auto rest = std::make_shared<std::vector<Result<net::HttpClientResponse>>>(std::move(list));
    auto next = std::make_shared<std::size_t>(0);
    script = [rest, next](const net::HttpClientRequest& request) -> Result<net::HttpClientResponse> {
      if (*next < rest->size()) return (*rest)[(*next)++];
      FAIL_CHECK("not expected: " << request.method << " " << request.url.str());
      return base::fail(base::Errc::internal, "not expected");
    };
  }
};

struct World {
  boost::asio::io_context io;
  runtime::ManualClock clock;
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(7);
  runtime::Scope scope{io.get_executor(), {}};
  Place services;
  Place metadata;
  std::map<std::string, std::string> files;
  std::map<std::string, Result<std::string>> odd_files;
  std::map<std::string, std::string> variables;
  Outside outside{[this](net::HttpClientRequest request) { return ask(this, &services, std::move(request)); },
                  [this](net::HttpClientRequest request) { return ask(this, &metadata, std::move(request)); },
                  [this](std::string path) { return read(this, std::move(path)); },
                  [this](const std::string& name) -> std::optional<std::string> {
                    const auto found = variables.find(name);
                    if (found == variables.end()) return std::nullopt;
                    return found->second;
                  },
                  clock,
                  *rng,
                  {}};

  World() {
    const auto nobody = [](const net::HttpClientRequest& request) -> Result<net::HttpClientResponse> {
      return base::fail(base::Errc::unavailable, "cannot reach " + request.url.host);
    };
    services.script = nobody;
    metadata.script = nobody;
  }
  ~World() {
    scope.cancel();
    run_all(base::Duration(0));
  }

  base::Instant now() const { return clock.now(); }
  void move(base::Duration by) {
    const auto until = clock.steady() + by;
    run_all(until);
    clock.set(until);
  }
  // Everything that happens until then.
  void run_all(base::Duration until) {
    do {
      io.restart();
      io.poll();
    } while (clock.step(until));
    io.restart();
    io.poll();
  }

  // To its end, however much virtual time that takes.
  template <class T>
  T run(Awaitable<T> coroutine) {
    auto result = begin(std::move(coroutine));
    const auto limit = clock.steady() + std::chrono::hours(24);
    do {
      io.restart();
      io.poll();
    } while (!*result && clock.step(limit));
    io.restart();
    io.poll();
    if (!*result) throw std::runtime_error("the call does not return");
    return std::move(**result);
  }
  // Starts it; the test looks later.
  template <class T>
  std::shared_ptr<std::optional<T>> begin(Awaitable<T> coroutine) {
    auto result = std::make_shared<std::optional<T>>();
    scope.spawn("test", keep(std::move(coroutine), result));
    io.restart();
    io.poll();
    return result;
  }

 private:
  template <class T>
  static Awaitable<void> keep(Awaitable<T> coroutine, std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(coroutine));
  }
  static Awaitable<Result<net::HttpClientResponse>> ask(World* world, Place* place,
                                                        net::HttpClientRequest request) {
    place->requests.push_back(request);
    place->times.push_back(world->clock.steady());
    if (place->delay.count() > 0) co_await runtime::sleep_for(world->clock, place->delay);
    co_return place->script(request);
  }
  static Awaitable<Result<std::string>> read(World* world, std::string path) {
    if (const auto odd = world->odd_files.find(path); odd != world->odd_files.end()) co_return odd->second;
    const auto found = world->files.find(path);
    if (found == world->files.end()) co_return base::fail(base::Errc::not_found, "there is no file " + path);
    co_return found->second;
  }
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace footman::cloud::aws::test
