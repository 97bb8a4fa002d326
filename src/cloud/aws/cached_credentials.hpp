// Credentials that are fetched when they are needed and renewed before they expire.
//
// Fresh ones are given out at once. From a quarter of an hour before they expire (half of their lifetime, if
// that is shorter) one caller fetches new ones while the others still get the old; a failure then is only
// logged, and tried again after kRenewPause. In the last minute, and without any, all callers wait for one
// fetch and share its outcome.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "cloud/aws/foundation.hpp"
#include "runtime/clock.hpp"
#include "runtime/even_time.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::aws {

inline constexpr Duration kRenewBefore = 15min;
inline constexpr Duration kLastMoment = 1min;
inline constexpr Duration kRenewPause = 1min;
// Credentials that were fetched so recently are not fetched again because AWS does not take them.
// Nor because by our clock, which may be wrong, they have expired: AWS decides.
inline constexpr Duration kRejectPause = 10s;
// So long a renewal may take while the present ones are good.
inline constexpr Duration kRenewLimit = 15s;

class CachedCredentials final : public CredentialsSource {
 public:
  using Fetch = std::function<runtime::Awaitable<Result<Credentials>>()>;

  // Clock and whatever `fetch` uses outlive it. No get() may be under way when it is destroyed.
  CachedCredentials(Fetch fetch, runtime::Clock& clock, Logger log);

  runtime::Awaitable<Result<Credentials>> get() override;
  bool reject(const std::string& access_key_id) override;

 private:
  // All in even time.
  bool usable(Instant now) const;  // and will be for a while
  bool due(Instant now) const;     // for being renewed
  runtime::Awaitable<Result<Credentials>> renew();
  runtime::Awaitable<Result<Credentials>> fetch_in_time();
  void keep(Credentials fetched);

  Fetch fetch_;
  runtime::Clock& clock_;
  Logger log_;
  runtime::Gate gate_;
  runtime::EvenTime even_;
  std::optional<Credentials> cached_;
  Instant expires_;  // not set: never
  Instant fetched_at_;
  Instant next_renewal_;  // after one that failed, or was cancelled
  bool renewing_ = false;
  std::uint64_t ended_ = 0;  // fetches so far
  Error last_error_;         // of the last one, when nothing is cached
};

// Long-term ones, and those that somebody else renews.
class FixedCredentials final : public CredentialsSource {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  runtime::Awaitable<Result<Credentials>> get() override { co_return credentials_; }
  bool reject(const std::string&) override { return false; }

 private:
  Credentials credentials_;
};

}  // namespace footman::cloud::aws
